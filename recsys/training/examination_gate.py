"""Gates of the learned examination curve and of the weights that follow from it, on the validation slice.

The curve replaces the assumed one unless it explains the clicks of the validation slice worse. Weights are used if
the setting says so, and unless a ranker with them orders the validation slice worse; skips count by examination
there, too, because plain figures favour the order in which the slates were shown.
"""

from dataclasses import asdict, dataclass
from typing import Any

from recsys.evaluation.bootstrap import Interval, compare
from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.query import FloatArray
from recsys.training.examination_curve import ExaminationCurve, click_likelihoods, learn_examination
from recsys.training.examination_weights import examined_auc, weighted
from recsys.training.ranker_training import PastSlates, as_served

EXAMINATION = "examination"
"""Entry of the manifest."""

_TREES = 150
"""Number of trees of the rankers that are compared: the same for both, without early stopping."""

_RANKED = ALL_FEATURES.pointwise()


@dataclass(frozen=True, slots=True)
class ExaminationGate:
    """Result of both gates.

    curve: the learned one if it passed, otherwise the assumed one. learned: True if it passed. likelihood: of the
    clicks of a slate with the learned curve less that with the assumed one; None if nothing was learned. weights:
    True if they passed. difference: AUC by examination with weights less that without; None if not compared.
    """

    curve: ExaminationCurve
    learned: bool = False
    likelihood: Interval | None = None
    weights: bool = False
    difference: Interval | None = None

    def applied(self, slates: PastSlates) -> PastSlates:
        """Return the slates with weights if these passed."""
        return slates.weighing(weighted(slates.data, self.curve)) if self.weights else slates

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {
            "learned": self.learned,
            "curve": self.curve.values.tolist() if self.learned else None,
            "likelihood": None if self.likelihood is None else asdict(self.likelihood),
            "weights": {
                "on": self.weights,
                "difference": None if self.difference is None else asdict(self.difference),
            },
        }


def gate_examination(
    slates: PastSlates, validate_from: int, config: LambdaMartConfig, with_weights: bool
) -> ExaminationGate:
    """Learn the curve from the slates before `validate_from`, and try it on the later ones."""
    assumed = ExaminationCurve.assumed()
    early, late = slates.before(validate_from), slates.since(validate_from)
    curve = learn_examination(early, config)
    if curve is None:
        return ExaminationGate(assumed)
    readers = slates.readers[len(slates.readers) - len(late.sizes) :]
    learned, constant = click_likelihoods(early, late, (curve, assumed), config)
    likelihood = compare(learned, constant, readers)
    if likelihood.verdict == "loss":
        return ExaminationGate(assumed, likelihood=likelihood.difference)
    if not with_weights:
        return ExaminationGate(curve, True, likelihood.difference)
    by_weight, plain = (_auc(data, late, curve, config) for data in (weighted(early, curve), early))
    order = compare(by_weight, plain, readers)
    return ExaminationGate(curve, True, likelihood.difference, order.verdict != "loss", order.difference)


def _auc(early: RankingData, late: RankingData, curve: ExaminationCurve, config: LambdaMartConfig) -> FloatArray:
    ranker = lambdamart.refit(early, _RANKED, config.each_seed()[0], _TREES)
    return examined_auc(ranker.score(as_served(late).features), late, curve)
