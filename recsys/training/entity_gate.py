"""Gate for entity features: trees use them only if they order the validation slice better.

Entities are what a source supplies, from names of persons to tags such as "News": only a log can tell their worth.
Following an entity, muting it, and reasons that name it do not depend on the gate.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from recsys.evaluation.bootstrap import Interval, compare
from recsys.ranking import lambdamart
from recsys.ranking.features import entities
from recsys.ranking.features.feature_set import ALL_FEATURES, FeatureSet
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray
from recsys.training.examination_curve import ExaminationCurve
from recsys.training.examination_weights import examined_auc
from recsys.training.ranker_training import PastSlates, as_served

ENTRY = "entity_features"
"""Entry of the manifest."""

_TREES, _RATE = 60, 0.1
"""Size of the rankers that are compared: small ones, because a training waits for both."""

_LEAST_SLATES = 200
"""Fewer later slates decide nothing: of a few dozen, the interval may lie above zero by chance."""

_WITH = ALL_FEATURES.pointwise()
_WITHOUT = _WITH.without(entities.FAMILY.name)
_COLUMNS = ALL_FEATURES.columns_of(FeatureSet((entities.FAMILY,)))


@dataclass(frozen=True, slots=True)
class EntityGate:
    """Result of the gate.

    difference: AUC with entity features less AUC without, on the validation slice; None if there is nothing to
    compare.
    """

    on: bool
    difference: Interval | None = None

    def apply(self, slates: PastSlates) -> None:
        """Make the entity features of `slates` unknown if the gate did not pass, so that no tree uses them.

        In place: these features are most of the memory of a training.
        """
        if not self.on:
            slates.data.features[:, _COLUMNS] = np.nan

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {"on": self.on, "difference": None if self.difference is None else asdict(self.difference)}


def gate_entities(slates: PastSlates, validate_from: int, config: LambdaMartConfig) -> EntityGate:
    """Compare rankers of the slates before `validate_from` with and without entity features on the later ones."""
    early, late = slates.before(validate_from), slates.since(validate_from)
    if len(late.sizes) < _LEAST_SLATES or np.isnan(early.features[:, _COLUMNS]).all():
        return EntityGate(on=False)
    readers = slates.readers[len(slates.readers) - len(late.sizes) :]
    with_entities, without = (_auc(early, late, features, config) for features in (_WITH, _WITHOUT))
    found = compare(with_entities, without, readers)
    return EntityGate(found.verdict == "win", found.difference)


def _auc(early: RankingData, late: RankingData, features: FeatureSet, config: LambdaMartConfig) -> FloatArray:
    ranker = lambdamart.refit(early, features, replace(config, seeds=1, learning_rate=_RATE), _TREES)
    return examined_auc(ranker.score(as_served(late).features), late, ExaminationCurve.assumed())
