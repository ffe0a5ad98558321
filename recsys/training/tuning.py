"""Parameters of the trees, chosen by Optuna on time-blocked folds inside the training window.

A fold learns from all slates before a day and is judged by AUC on that day, as a feed would be asked. A trial that
falls behind the middle of the others on its first days is given up (median pruner). Trials are kept in a journal
in ATTUNE_HOME, so that a study that was stopped goes on, and one on other slates, labels or features begins anew.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recsys.domain import DAY
from recsys.errors import ConfigError, DataError
from recsys.evaluation import metrics
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.labels import grading
from recsys.ranking import listwise_correction
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE, FeatureSet
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.ranking_context import FloatArray
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
"""Parameters that are tried, each between two bounds."""

WHOLE = {"leaves", "min_leaf"}
LOGARITHMIC = {"learning_rate", "l2"}
FOLDS = 3
LEAST_SLATES = 20
"""With fewer to learn from or to be judged by, a day and those before it are no folds."""


def tuned(
    slates: PastSlates,
    until: int,
    config: LambdaMartConfig,
    trials: int,
    home: Path,
    progress: Progress,
    features: FeatureSet = TEXT_FREE,
) -> LambdaMartConfig:
    """`config` with the best parameters of `trials` trials, earlier ones on the same slates counted.

    `until`: the cut-off of the training, microseconds: folds are the days before it.

    Raises:
        ConfigError: Optuna is not installed.
        DataError: no day can serve as a fold.
    """
    require_optuna()
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = blocks(slates, until)
    kept = JournalFileBackend(str(home / JOURNAL))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(kept),
        study_name=_name(slates, until),
        sampler=optuna.samplers.TPESampler(seed=config.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(_as_it_was(config))

    def objective(trial: "optuna.Trial") -> float:
        chosen, total = _suggested(trial, config), 0.0
        for number, (early, late) in enumerate(folds, start=1):
            ranker = listwise_correction.fit(early, late, features, chosen)
            total += _auc(ranker.score(late.features), late)
            trial.report(total / number, number)
            if trial.should_prune():
                raise optuna.TrialPruned
        return total / len(folds)

    over = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    done = len(study.get_trials(deepcopy=False, states=over))
    for number in range(done, trials):
        progress("tuning", number, trials)
        study.optimize(objective, n_trials=1)
    progress("tuning", trials, trials)
    return replace(config, **study.best_params)


def blocks(slates: PastSlates, until: int) -> list[tuple[RankingData, RankingData]]:
    """The last days before `until`, oldest first: what was before each, and the day, as a feed would be asked.

    Raises:
        DataError: no day has enough slates before and in it.
    """
    found = []
    for back in range(1, FOLDS + 1):
        day = slates.between(until - back * DAY, until - (back - 1) * DAY)
        early = slates.before(until - back * DAY)
        if min(len(early.sizes), len(day.sizes)) < LEAST_SLATES:
            break  # so that the days follow on each other
        found.append((early, as_served(day)))
    if not found:
        raise DataError("too few slates for a fold of a day: ingest more behaviour, or leave out --tune")
    return found[::-1]


def require_optuna() -> None:
    """Refuse before the work that would be lost.

    Raises:
        ConfigError: Optuna is not installed.
    """
    try:
        import optuna as optuna
    except ImportError as error:
        raise ConfigError("--tune needs Optuna: pip install 'attune-feed[tune]'") from error


def _name(slates: PastSlates, until: int) -> str:
    """Of the study: AUC on other labels, or of trees without a correction, is no figure of this one."""
    told = hashlib.blake2b(slates.data.labels.tobytes(), digest_size=8).hexdigest()
    return f"corrected-{ALL_FEATURES.schema_id}-{until}-{len(slates.at)}-labels{grading.VERSION}-{told}"


def _as_it_was(config: LambdaMartConfig) -> dict[str, float]:
    return {name: getattr(config, name) for name in SEARCHED}


def _suggested(trial: "optuna.Trial", config: LambdaMartConfig) -> LambdaMartConfig:
    chosen = {
        name: trial.suggest_int(name, int(low), int(high), log=True)
        if name in WHOLE
        else trial.suggest_float(name, low, high, log=name in LOGARITHMIC)
        for name, (low, high) in SEARCHED.items()
    }
    return replace(config, seeds=1, **chosen)  # type: ignore[arg-type]


def _auc(scores: FloatArray, data: RankingData) -> float:
    offsets = np.concatenate([[0], np.cumsum(data.sizes)]).astype(np.int64)
    return metrics.mean(metrics.auc(ScoredSlates(scores, data.labels, offsets)))
