"""Choice of the ranker to serve: the full ranker, unless a part of it is clearly better on the validation slice.

With little data, trees can be worse than one of the inputs they are given. The rule: a part serves if its AUC is
at least `MARGIN` above that of the full ranker, and above it in at least `CONFIDENCE` of the bootstrap draws of
readers (paired); of several such parts, the one with the highest AUC. So a tie keeps the full ranker, and with
many readers the part must be better by `MARGIN` in any case. By the same rule, a bundle that loses to a baseline
is not activated. Ties in scores are broken as in serving.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import share_of_wins
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats
from recsys.evaluation.systems import BASELINES, FULL_SYSTEM
from recsys.models.served_ranker import FULL_RANKER, PART_NAMES, PARTS

MARGIN, CONFIDENCE = 0.01, 0.8


@dataclass(frozen=True, slots=True)
class Compared:
    """Paired comparison of AUC. difference: mean; draws: share of bootstrap draws in which it is above zero."""

    difference: float
    draws: float

    @classmethod
    def of(cls, system: Floats, other: Floats, replayed: ReplayScores) -> "Compared":
        """Compare the AUCs of two systems, by slate [S]."""
        return cls(metrics.mean(system - other), share_of_wins(system, other, replayed.readers))

    @property
    def clear(self) -> bool:
        """True if the system is better by the rule of this module."""
        return self.difference >= MARGIN and self.draws >= CONFIDENCE


@dataclass(frozen=True, slots=True)
class RankerChoice:
    """Chosen ranker.

    system: name in `PART_NAMES`; parts: each part against the full ranker; baselines: each baseline against the
    chosen ranker.
    """

    system: str
    parts: Mapping[str, Compared]
    baselines: Mapping[str, Compared]

    @classmethod
    def of(cls, replayed: ReplayScores) -> "RankerChoice":
        """Apply the rule to the scores on the validation slice."""
        aucs = {name: metrics.auc(replayed.as_served(name)) for name in (FULL_SYSTEM, *PARTS)}
        full = aucs[FULL_SYSTEM]
        parts = {name: Compared.of(aucs[name], full, replayed) for name in PARTS}
        better = [name for name, compared in parts.items() if compared.clear]
        system = max(better, key=lambda name: parts[name].difference, default=FULL_SYSTEM)
        baselines = {
            name: Compared.of(metrics.auc(replayed.slates(name)), aucs[system], replayed) for name in BASELINES
        }
        return cls(system, parts, baselines)

    @property
    def better_baseline(self) -> str | None:
        """Best baseline that is better than the chosen ranker, or None."""
        better = [name for name, compared in self.baselines.items() if compared.clear]
        return max(better, key=lambda name: self.baselines[name].difference, default=None)

    def served(self, replayed: ReplayScores) -> ReplayScores:
        """Return the scores with those of the chosen ranker as the full system's."""
        if self.system == FULL_SYSTEM:
            return replayed
        scores = dict(replayed.scores)
        full = scores.pop(FULL_SYSTEM)
        return replace(replayed, scores={**scores, FULL_RANKER: full, FULL_SYSTEM: scores[self.system]})

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {
            "system": self.system,
            "name": PART_NAMES[self.system],
            "rule": {"margin": MARGIN, "draws": CONFIDENCE},
            "parts": {name: asdict(compared) for name, compared in self.parts.items()},
            "baselines": {name: asdict(compared) for name, compared in self.baselines.items()},
            "better_baseline": self.better_baseline,
        }
