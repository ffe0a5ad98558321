"""Rankers: trained on the past, evaluated on the validation slice, and trained again on everything."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recsys.cpu_threads import cpu_threads
from recsys.evaluation.behaviour.behaviour_check import ENTRY as BEHAVIOUR
from recsys.evaluation.behaviour.behaviour_check import BehaviourLimits, failed
from recsys.evaluation.behaviour.behaviour_checks import behaviour
from recsys.evaluation.platt import Platt
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.report import figures
from recsys.evaluation.systems import FULL_SYSTEM, POINTWISE, TEXT_FREE
from recsys.evaluation.validation_slice import REPORT, validation_report
from recsys.models.model_loader import FEED_RANKER, write_trees
from recsys.models.model_set import Models
from recsys.models.served_ranker import ENTRY, ServedRanker
from recsys.projection.replay_segments import ReplayWorkers
from recsys.ranking.features.feature_set import FEED_FEATURES, FEED_TEXT_FREE
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.ranking.query import FloatArray
from recsys.ranking.ranker import Ranker
from recsys.ranking.score_scaling import PlattScaling
from recsys.settings import Settings
from recsys.store.database import Database
from recsys.training import correction_share, entity_gate
from recsys.training.choice_days import pooled_days, rankers_by_system, with_blend
from recsys.training.correction_share import CorrectionShare
from recsys.training.dataset import Corpus
from recsys.training.entity_gate import EntityGate, gate_entities
from recsys.training.examination_gate import EXAMINATION, ExaminationGate, gate_examination
from recsys.training.past_replay import ReplayedPast, replay_past
from recsys.training.platt_fit import fit_platt
from recsys.training.prequential_matcher import PrequentialMatcher
from recsys.training.ranker_choice import RankerChoice
from recsys.training.ranker_training import (
    PastSlates,
    Rerankers,
    retrain_rerankers,
    train_rerankers,
)
from recsys.training.stage_profile import ProfiledProgress
from recsys.training.text_feature_gate import TEXT_FREE_SYSTEMS, ContentGate
from recsys.training.training_run import TrainingOptions
from recsys.training.tuning import TuningPlan, tuned
from recsys.training.utility_training import UtilityModelSkipped, UtilityModelTrained, train_utility


@dataclass(frozen=True, slots=True)
class TrainedRankers:
    """Trained rankers with their gates and validation scores.

    entities: gate of the entity features; examination: gates of the learned examination; shares: of the
    correction, by system; choice: the ranker to serve; feed_scores: of feeds by that ranker, without
    minutes, on the validation slice [N]; calibration: score calibration by system; metrics: on the validation
    slice, by system; report: more figures of the validation slice.
    """

    rerankers: Rerankers
    value: UtilityModelTrained | UtilityModelSkipped
    content: ContentGate
    entities: EntityGate
    examination: ExaminationGate
    shares: Mapping[str, CorrectionShare]
    choice: RankerChoice
    config: LambdaMartConfig
    feed_scores: FloatArray
    calibration: Mapping[str, Platt]
    metrics: dict[str, Any]
    report: dict[str, Any]

    @property
    def failures(self) -> list[str]:
        """Return the sentences of the failed checks of behaviour."""
        return failed(self.report[BEHAVIOUR])

    def write(self, folder: Path) -> None:
        """Write the rankers into a bundle's folder."""
        reading = self.value.reading if isinstance(self.value, UtilityModelTrained) else None
        rerankers = self.rerankers
        write_trees(rerankers.full, rerankers.text_free, reading, folder)

    def as_dict(self, options: TrainingOptions) -> dict[str, Any]:
        """Return the entries for the manifest."""
        return {
            "text_features": self.content.as_dict(),
            entity_gate.ENTRY: self.entities.as_dict(),
            EXAMINATION: self.examination.as_dict(),
            "correction": {
                **self.shares[FULL_SYSTEM if self.content.on else TEXT_FREE].as_dict(),
                "text_free": self.shares[TEXT_FREE].as_dict(),
            },
            "trees": {"options": asdict(options), "config": asdict(self.config)},
            "utility": self.value.as_dict(),
            ENTRY: self.choice.as_dict(),
            REPORT: self.report,
        }


@dataclass(frozen=True, slots=True)
class _GatedPast:
    """Slates to train on, as the gates of entities and of examination leave them, and the options of the trees."""

    past: ReplayedPast
    slates: PastSlates
    entities: EntityGate
    examination: ExaminationGate
    config: LambdaMartConfig


@dataclass(frozen=True, slots=True)
class _Validated:
    """Rankers trained on the slates before the validation slice; answers: theirs on the slice."""

    rerankers: Rerankers
    content: ContentGate
    shares: Mapping[str, CorrectionShare]
    choice: RankerChoice
    answers: ReplayScores

    @property
    def allowed(self) -> Rerankers:
        """Rankers with text features only if their gate is on."""
        return self.content.allowed(self.rerankers)

    @property
    def served(self) -> Ranker:
        """Ranker that was chosen to serve."""
        return rankers_by_system(self.allowed)[self.choice.system]


def train_rankers(
    database: Database,
    corpus: Corpus,
    matcher: PrequentialMatcher,
    settings: Settings,
    options: TrainingOptions,
    progress: ProfiledProgress,
) -> TrainedRankers:
    """Train trees, evaluate them on the validation slice, and train them again on everything."""
    with cpu_threads(settings.threads):
        with progress.stage("features of past slates"):
            past = replay_past(database, corpus, matcher, ReplayWorkers.of(settings), progress)
        gated = _gated(past, corpus, settings, options, progress)
        validated = _validated(gated, corpus.when.validate_from, progress)
    answers, config = validated.answers, gated.config
    checks = behaviour(answers, past.perturbed, validated.served, past.names, BehaviourLimits.of(settings))
    calibration = {name: fit_platt(scores, answers.labels > 0) for name, scores in answers.scores.items()}
    share = settings.minute_price if options.labels == "graded" else 0.0
    with progress.stage("rerankers on everything"):
        text = validated.content.on
        rerankers = retrain_rerankers(gated.slates, validated.rerankers, text, config, progress)
    with progress.stage("utility"):
        value = _value(gated.slates, corpus, validated.content, config, share, calibration[FEED_RANKER])
    return TrainedRankers(
        rerankers=rerankers,
        value=value,
        content=validated.content,
        entities=gated.entities,
        examination=gated.examination,
        shares=validated.shares,
        choice=validated.choice,
        config=config,
        feed_scores=_feed_scores(validated.allowed, validated.choice.system, past.validation.features),
        calibration=calibration,
        # no calibration error here: the score calibration was fitted on the same slates
        metrics=figures(answers, {}, past.vectors, past.clicks),
        report={**validation_report(answers), BEHAVIOUR: checks},
    )


def _gated(
    past: ReplayedPast, corpus: Corpus, settings: Settings, options: TrainingOptions, progress: ProfiledProgress
) -> _GatedPast:
    """Apply the gates of entities and of examination, and tune the trees if the options say so."""
    config = replace(LambdaMartConfig(seed=settings.seed), seeds=options.seeds)
    validate_from = corpus.when.validate_from
    with progress.stage("entity features"):
        entities = gate_entities(past.slates, validate_from, config)
        entities.apply(past.slates)
    with progress.stage("examination of places"):
        examination = gate_examination(past.slates, validate_from, config, settings.position_weights)
        slates = examination.applied(past.slates)
    if options.tune:
        with progress.stage("tuning"):
            plan = TuningPlan(corpus.when.until, options.tune, settings.home, settings.ray)
            config = tuned(slates, plan, config, progress)
    return _GatedPast(past, slates, entities, examination, config)


def _validated(gated: _GatedPast, validate_from: int, progress: ProfiledProgress) -> _Validated:
    """Train on the slates before `validate_from` (microseconds), and choose by those after it.

    The rankers have all seeds: the correction of a single one is less stable, so the gate would let a smaller
    share of it pass, which cost 0.002 AUC (docs/log/ranking-ebnerd.md, 2026-11-28).
    """
    with progress.stage("rerankers for validation"):
        rerankers = train_rerankers(gated.slates, validate_from, gated.config, progress)
    with progress.stage("validation"):
        progress("validation", 1, 1)
        replayed = gated.past.validation.with_rankers(_validated_rankers(rerankers))
    corrected, shares = correction_share.chosen(replayed)
    content = ContentGate.of(corrected)
    answers = with_blend(content.served(corrected))
    rerankers = rerankers.sharing(shares[FULL_SYSTEM].share, shares[TEXT_FREE].share)
    with progress.stage("choice of the ranker"):
        evidence = pooled_days(gated.slates, validate_from, content.allowed(rerankers), gated.config)
    choice = RankerChoice.of(answers, evidence)
    return _Validated(rerankers, content, shares, choice, choice.served(answers))


def _feed_scores(rerankers: Rerankers, system: str, features: FloatArray) -> FloatArray:
    """Return the scores [N] of feeds by the served `system`, without minutes."""
    full = rerankers.full
    models = replace(Models.untrained(), feed=full.base.first, pointwise=full.base, listwise=full)
    served = ServedRanker(system).models(models, full, rerankers.text_free, PlattScaling())
    return served.feed.score(features)


def _value(
    slates: PastSlates,
    corpus: Corpus,
    content: ContentGate,
    config: LambdaMartConfig,
    share: float,
    chance: Platt,
) -> UtilityModelTrained | UtilityModelSkipped:
    if not share:
        return UtilityModelSkipped("minutes have no price: it is set to 0, or labels are of clicks alone")
    features = FEED_FEATURES if content.on else FEED_TEXT_FREE
    return train_utility(slates, corpus.when.validate_from, features, config, share, chance)


def _validated_rankers(rerankers: Rerankers) -> Mapping[str, Ranker]:
    """Return all rankers that may be served."""
    full, text_free = rerankers.full, rerankers.text_free
    return {
        TEXT_FREE_SYSTEMS[FEED_RANKER]: text_free.base.first,
        TEXT_FREE_SYSTEMS[POINTWISE]: text_free.base,
        TEXT_FREE: text_free,
        FEED_RANKER: full.base.first,
        POINTWISE: full.base,
        FULL_SYSTEM: full,
    }
