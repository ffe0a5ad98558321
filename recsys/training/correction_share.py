"""How much of a slate's order may hang on the other candidates: as much as keeps that order among many."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints, ScoredSlates
from recsys.evaluation.systems import FULL_SYSTEM, POINTWISE, TEXT_FREE
from recsys.training.text_feature_gate import TWINS

LEAST_SPEARMAN, LEAST_SAME_WINNER = 0.95, 0.90
"""What is to stay of slates when hundreds of articles are added, by the lower ends of intervals over readers."""

_SHARES = tuple(twentieths / 20 for twentieths in range(20, 0, -1))
_CORRECTED = {FULL_SYSTEM: POINTWISE, TEXT_FREE: TWINS[POINTWISE]}
"""Row of a `ListwiseRanker` → row of its trees that see each candidate alone."""


@dataclass(frozen=True, slots=True)
class CorrectionShare:
    """The `share` of a `ListwiseRanker`, and how well slates ordered by it agree with their order among many.

    spearman: mean rank correlation; top1_agreement: share of slates with the same first article.
    """

    share: float
    spearman: float
    top1_agreement: float

    @classmethod
    def of(cls, alone: ScoredSlates, corrected: ScoredSlates, readers: Ints) -> "CorrectionShare":
        """The largest share of the correction with which slates keep enough of the order of `alone`.

        `corrected`: with all of it; `readers`: dense ids [S].
        """
        agreement: dict[str, Floats] = {}
        for share in _SHARES:
            ranked = replace(alone, scores=_mixed(alone.scores, corrected.scores, share))
            agreement[f"order {share}"] = metrics.spearman(ranked, alone)
            agreement[f"winner {share}"] = metrics.top1_agreement(ranked, alone)
        kept = intervals(agreement, readers)
        for share in _SHARES:
            order, winner = kept[f"order {share}"], kept[f"winner {share}"]
            if order.low >= LEAST_SPEARMAN and winner.low >= LEAST_SAME_WINNER:
                return cls(share, order.mean, winner.mean)
        return cls(0.0, 1.0, 1.0)

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def chosen(judgement: ReplayScores) -> tuple[ReplayScores, Mapping[str, CorrectionShare]]:
    """What rankers whose correction counted in full would say with their shares of it, and the shares by row."""
    scores = judgement.scores
    shares = {
        name: CorrectionShare.of(judgement.slates(alone), judgement.slates(name), judgement.readers)
        for name, alone in _CORRECTED.items()
    }
    mixed = {name: _mixed(scores[_CORRECTED[name]], scores[name], rivals.share) for name, rivals in shares.items()}
    return replace(judgement, scores={**scores, **mixed}), shares


def _mixed(alone: Floats, corrected: Floats, share: float) -> Floats:
    return alone + share * (corrected - alone)
