"""How much of a slate's order may hang on the other candidates: as much as keeps that order among many."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.replay import Answers
from recsys.evaluation.systems import FULL, OF_MANY
from recsys.training.content import TWINS

LEAST_SPEARMAN, LEAST_SAME_WINNER = 0.95, 0.90
"""What is to stay of slates when hundreds of articles are added, by the lower ends of intervals over readers."""

_SHARES = tuple(twentieths / 20 for twentieths in range(20, 0, -1))


@dataclass(frozen=True, slots=True)
class Rivals:
    """The `share` of `SlateRanker`, and how well slates ordered by it agree with their order among many.

    spearman: mean rank correlation; same_winner: share of slates with the same first article.
    """

    share: float
    spearman: float
    same_winner: float

    @classmethod
    def of(cls, answers: Answers) -> "Rivals":
        """The largest share of the correction with which the full system keeps enough of the order of many."""
        alone, corrected = answers.scores[OF_MANY], answers.scores[FULL]
        many = answers.slates(OF_MANY)
        for share in _SHARES:
            ranked = replace(many, scores=_mixed(alone, corrected, share))
            agreement = {"order": metrics.spearman(ranked, many), "winner": metrics.same_winner(ranked, many)}
            kept = intervals(agreement, answers.readers)
            if kept["order"].low >= LEAST_SPEARMAN and kept["winner"].low >= LEAST_SAME_WINNER:
                return cls(share, kept["order"].mean, kept["winner"].mean)
        return cls(0.0, 1.0, 1.0)

    def applied(self, answers: Answers) -> Answers:
        """The answers of rankers whose correction counted in full, as they are with the share of it."""
        pairs = ((FULL, OF_MANY), (TWINS[FULL], TWINS[OF_MANY]))
        scores = answers.scores
        mixed = {name: _mixed(scores[alone], scores[name], self.share) for name, alone in pairs}
        return replace(answers, scores={**scores, **mixed})

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def _mixed(alone: NDArray[np.float64], corrected: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return alone + share * (corrected - alone)
