"""Tuning of the trees by Optuna, on time-blocked folds inside the training window.

A fold trains on all slates before a day and is scored by AUC on that day, as in serving. A trial below the median
of the others after its first days is stopped (median pruner). Trials are stored in a journal in ATTUNE_HOME, so
that an interrupted study continues; other slates, labels or features start a new study.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recsys.domain import DAY
from recsys.errors import ConfigError, DataError
from recsys.evaluation import metrics
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import PiecesInOrder, WorkerPool
from recsys.labels import grading
from recsys.ranking import listwise_correction
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray
from recsys.training.ranker_training import PastSlates, as_served
from recsys.training.training_run import Progress

if TYPE_CHECKING:
    import optuna

JOURNAL = "tuning.journal"
SEARCHED = {
    "leaves": (6, 40),
    "learning_rate": (0.02, 0.12),
    "min_leaf": (20, 400),
    "feature_fraction": (0.3, 1.0),
    "bagging_fraction": (0.5, 1.0),
    "l2": (0.1, 50.0),
}
"""Searched parameters with their bounds."""

WHOLE = {"leaves", "min_leaf"}
LOGARITHMIC = {"learning_rate", "l2"}
FOLDS = 3
LEAST_SLATES = 20
"""Smallest number of slates of a fold, in its day and before it."""


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """Trials to make. until: the cut-off of the training, microseconds: folds are the days before it.

    home: folder of the study. ray: address of the Ray cluster that does the folds of a trial at once; None to do
    one after the other here. Both give the same parameters.
    """

    until: int
    trials: int
    home: Path
    ray: str | None = None


@dataclass(frozen=True, slots=True)
class FoldWork:
    """Training and score of a ranker on one of the folds."""

    folds: Sequence[tuple[RankingData, RankingData]]

    def __call__(self, piece: tuple[int, LambdaMartConfig], progress: Callable[[int], None]) -> float:
        """Return the AUC on the fold of this number, with these parameters."""
        number, config = piece
        early, late = self.folds[number]
        score = _auc(listwise_correction.fit(early, late, TEXT_FREE, config).score(late.features), late)
        progress(1)
        return score


def tuned(slates: PastSlates, plan: TuningPlan, config: LambdaMartConfig, progress: Progress) -> LambdaMartConfig:
    """Return `config` with the best parameters of the planned Optuna trials.

    Earlier trials on the same slates count.

    Raises:
        ConfigError: Optuna is not installed.
        DataError: no day can serve as a fold.
        WorkerError: a fold failed on the Ray cluster.
    """
    require_optuna()
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    work = FoldWork(blocks(slates, plan.until))
    journal = JournalFileBackend(str(plan.home / JOURNAL))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(journal),
        study_name=_name(slates, plan.until),
        sampler=optuna.samplers.TPESampler(seed=config.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(_current_parameters(config))

    finished_states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    done = len(study.get_trials(deepcopy=False, states=finished_states))
    with ExitStack() as stack:
        pool = None if plan.ray is None or done >= plan.trials else stack.enter_context(RayPool(work, plan.ray))

        def objective(trial: "optuna.Trial") -> float:
            total = 0.0
            for number, score in enumerate(_scores(work, pool, _suggested(trial, config)), start=1):
                total += score
                trial.report(total / number, number)
                if trial.should_prune():
                    raise optuna.TrialPruned
            return total / len(work.folds)

        for number in range(done, plan.trials):
            progress("tuning", number, plan.trials)
            study.optimize(objective, n_trials=1)
    progress("tuning", plan.trials, plan.trials)
    return replace(config, **study.best_params)


def _scores(
    work: FoldWork, pool: WorkerPool[tuple[int, LambdaMartConfig], float] | None, config: LambdaMartConfig
) -> Iterator[float]:
    """Yield the AUC of each fold in turn; with a pool all folds are done at once, also after a pruned one."""
    pieces = [(number, config) for number in range(len(work.folds))]
    if pool is None:
        yield from (work(piece, lambda _: None) for piece in pieces)
        return
    ordered: PiecesInOrder[tuple[int, LambdaMartConfig], float] = PiecesInOrder(pool, lambda _: None)
    for piece in pieces:
        ordered.submit(piece)
    yield from ordered.rest()


def blocks(slates: PastSlates, until: int) -> list[tuple[RankingData, RankingData]]:
    """Return the last days before `until`, oldest first: the slates before each day, and its own as in serving.

    Raises:
        DataError: no day has enough slates before and in it.
    """
    folds = []
    for days_back in range(1, FOLDS + 1):
        day = slates.between(until - days_back * DAY, until - (days_back - 1) * DAY)
        early = slates.before(until - days_back * DAY)
        if min(len(early.sizes), len(day.sizes)) < LEAST_SLATES:
            break  # the days must be consecutive
        folds.append((early, as_served(day)))
    if not folds:
        raise DataError("too few slates for a fold of a day: ingest more behaviour, or leave out --tune")
    return folds[::-1]


def require_optuna() -> None:
    """Check for Optuna before any work is done.

    Raises:
        ConfigError: Optuna is not installed.
    """
    try:
        import optuna as optuna
    except ImportError as error:
        raise ConfigError("--tune needs Optuna: pip install 'attune-feed[tune]'") from error


def _name(slates: PastSlates, until: int) -> str:
    """Return the name of the study. It changes with everything that makes AUCs incomparable."""
    label_digest = hashlib.blake2b(slates.data.labels.tobytes(), digest_size=8).hexdigest()
    return f"corrected-{ALL_FEATURES.schema_id}-{until}-{len(slates.at)}-labels{grading.VERSION}-{label_digest}"


def _current_parameters(config: LambdaMartConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in SEARCHED}


def _suggested(trial: "optuna.Trial", config: LambdaMartConfig) -> LambdaMartConfig:
    suggested = {
        name: trial.suggest_int(name, int(low), int(high), log=True)
        if name in WHOLE
        else trial.suggest_float(name, low, high, log=name in LOGARITHMIC)
        for name, (low, high) in SEARCHED.items()
    }
    return replace(config, seeds=1, **suggested)  # type: ignore[arg-type]


def _auc(scores: FloatArray, data: RankingData) -> float:
    offsets = np.concatenate([[0], np.cumsum(data.sizes)]).astype(np.int64)
    return metrics.mean(metrics.auc(ScoredSlates(scores, data.labels, offsets)))
