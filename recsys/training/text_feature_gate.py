"""Gate for text features: trees use them unless that makes the ranking measurably worse, also of cold starts.

If the encoder does not know the language of a log, the text match is noise, but trees still split on it: on
EB-NeRD's validation day this cost 0.005 AUC (docs/log/). Retrieval and explanations use text in any case.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import Interval, compare
from recsys.evaluation.cold_start import cold_starts
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FEED_RANKER, FULL_SYSTEM, POINTWISE, TEXT_FREE
from recsys.training.ranker_training import Rerankers

TEXT_FREE_SYSTEMS = {
    FEED_RANKER: f"{FEED_RANKER}_without_content",
    POINTWISE: f"{POINTWISE}_without_content",
    FULL_SYSTEM: TEXT_FREE,
}
"""System → its text-free system."""

LEAST_COLD = 100
"""Fewer cold starts decide nothing."""

_NOT_REPORTED = {TEXT_FREE_SYSTEMS[FEED_RANKER], TEXT_FREE_SYSTEMS[POINTWISE]}
"""Rows that are only validated and not reported."""


@dataclass(frozen=True, slots=True)
class ContentGate:
    """Result of the gate.

    difference: AUC with text features less AUC without, on the validation slice; cold: the same on the impressions
    of each kind of cold start, where there are enough.
    """

    on: bool
    difference: Interval
    cold: Mapping[str, Interval] = field(default_factory=dict)

    @classmethod
    def of(cls, replayed: ReplayScores) -> "ContentGate":
        """Switch text off only if a paired interval is below zero: in a tie, text helps with unread articles."""
        full, without = (metrics.auc(replayed.slates(name)) for name in (FULL_SYSTEM, TEXT_FREE))
        everywhere = compare(full, without, replayed.readers)
        cold = {
            name: compare(full[mask], without[mask], replayed.readers[mask])
            for name, mask in cold_starts(replayed).items()
            if mask.sum() >= LEAST_COLD
        }
        on = all(comparison.verdict != "loss" for comparison in (everywhere, *cold.values()))
        return cls(on, everywhere.difference, {name: each.difference for name, each in cold.items()})

    def served(self, replayed: ReplayScores) -> ReplayScores:
        """Return the scores of the served rankers, under the names of the systems that may use text."""
        reported = {name: scores for name, scores in replayed.scores.items() if name not in _NOT_REPORTED}
        substituted = (
            {} if self.on else {name: replayed.scores[text_free] for name, text_free in TEXT_FREE_SYSTEMS.items()}
        )
        return replace(replayed, scores={**reported, **substituted})

    def allowed(self, rankers: Rerankers) -> Rerankers:
        """Return the rankers of the served systems: without text, the text-free ones take their place."""
        return rankers if self.on else Rerankers(rankers.text_free, rankers.text_free)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        cold = {name: asdict(difference) for name, difference in self.cold.items()}
        return {"on": self.on, "difference": asdict(self.difference), "cold_starts": cold}
