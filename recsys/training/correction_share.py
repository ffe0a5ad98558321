"""Share of the listwise correction.

The largest one that keeps the order of a slate stable among many candidates.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints, ScoredSlates
from recsys.evaluation.systems import FULL_SYSTEM, POINTWISE, TEXT_FREE
from recsys.training.text_feature_gate import TEXT_FREE_SYSTEMS

LEAST_SPEARMAN, LEAST_SAME_WINNER = 0.95, 0.90
"""Required agreement of a slate's order when hundreds of articles are added.

Lower ends of intervals over readers.
"""

_SHARES = tuple(twentieths / 20 for twentieths in range(20, 0, -1))
_CORRECTED = {FULL_SYSTEM: POINTWISE, TEXT_FREE: TEXT_FREE_SYSTEMS[POINTWISE]}
"""Row of a `ListwiseRanker` → row of its pointwise trees."""


@dataclass(frozen=True, slots=True)
class CorrectionShare:
    """Share of a `ListwiseRanker`'s correction, and the agreement of corrected slates with the pointwise order.

    spearman: mean rank correlation; top1_agreement: share of slates with the same first article.
    """

    share: float
    spearman: float
    top1_agreement: float

    @classmethod
    def of(cls, pointwise: ScoredSlates, corrected: ScoredSlates, readers: Ints) -> "CorrectionShare":
        """Return the largest share of the correction with which slates keep enough of the pointwise order.

        `corrected`: with the full correction; `readers`: dense ids [S].
        """
        agreement: dict[str, Floats] = {}
        for share in _SHARES:
            ranked = replace(pointwise, scores=_mixed(pointwise.scores, corrected.scores, share))
            agreement[f"order {share}"] = metrics.spearman(ranked, pointwise)
            agreement[f"winner {share}"] = metrics.top1_agreement(ranked, pointwise)
        agreed = intervals(agreement, readers)
        for share in _SHARES:
            order, winner = agreed[f"order {share}"], agreed[f"winner {share}"]
            if order.low >= LEAST_SPEARMAN and winner.low >= LEAST_SAME_WINNER:
                return cls(share, order.mean, winner.mean)
        return cls(0.0, 1.0, 1.0)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return asdict(self)


def chosen(replayed: ReplayScores) -> tuple[ReplayScores, Mapping[str, CorrectionShare]]:
    """Return the scores with the chosen shares of the correction, and the shares by row.

    `replayed` has the scores with the full correction.
    """
    scores = replayed.scores
    shares = {
        name: CorrectionShare.of(replayed.slates(pointwise), replayed.slates(name), replayed.readers)
        for name, pointwise in _CORRECTED.items()
    }
    mixed = {name: _mixed(scores[_CORRECTED[name]], scores[name], share.share) for name, share in shares.items()}
    return replace(replayed, scores={**scores, **mixed}), shares


def _mixed(pointwise: Floats, corrected: Floats, share: float) -> Floats:
    return pointwise + share * (corrected - pointwise)
