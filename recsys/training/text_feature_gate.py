"""Whether the trees may look at what articles are about: not where that makes the ranking measurably worse.

On a log whose language the encoder does not know, the text match is noise that trees still find splits in: on
EB-NeRD's validation day it cost 0.005 AUC (docs/log/). Retrieval and reasons go on using it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval, compare
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FEED_RANKER, FULL_SYSTEM, POINTWISE, TEXT_FREE

TWINS = {
    FEED_RANKER: f"{FEED_RANKER}_without_content",
    POINTWISE: f"{POINTWISE}_without_content",
    FULL_SYSTEM: TEXT_FREE,
}
"""System → the same trees without text."""

_ONLY_JUDGED = {TWINS[FEED_RANKER], TWINS[POINTWISE]}
"""Rows that no report has: the twin of the full system is a baseline, theirs are not."""


@dataclass(frozen=True, slots=True)
class ContentGate:
    """The verdict. difference: AUC with text features less that without, on the validation slice."""

    on: bool
    difference: Interval

    @classmethod
    def of(cls, answers: ReplayScores) -> "ContentGate":
        """Off only if the paired interval lies below zero: a tie keeps what helps with articles nobody read."""
        full, without = (metrics.auc(answers.slates(name)) for name in (FULL_SYSTEM, TEXT_FREE))
        found = compare(full, without, answers.readers)
        return cls(found.verdict != "loss", found.difference)

    def served(self, answers: ReplayScores) -> ReplayScores:
        """The answers of what will be served, under the names of the systems that may see text."""
        told = {name: scores for name, scores in answers.scores.items() if name not in _ONLY_JUDGED}
        chosen = {} if self.on else {name: answers.scores[twin] for name, twin in TWINS.items()}
        return replace(answers, scores={**told, **chosen})

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {"on": self.on, "difference": asdict(self.difference)}
