"""Choice of the ranker to serve: the full ranker, unless a part of it is clearly better on the validation slice.

With little data, trees can be worse than one of the inputs they are given. The rule: another one serves if its AUC
is at least `MARGIN` above that of the default, and above it in at least `CONFIDENCE` of the bootstrap draws of
readers (paired); of several, the one with the highest AUC. So a tie keeps the default, and with many readers a
part must be better by `MARGIN` in any case. By the same rule, a bundle that loses to a baseline is not activated.
Ties in scores are broken as in serving.

The default is the full ranker. In a small log it is the blend, because single rankers vary too much there, and the
days before the validation slice decide too (`choice_days`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from recsys.evaluation import metrics
from recsys.evaluation.bootstrap import share_of_wins
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.scored_slates import Floats, Ints
from recsys.evaluation.systems import BASELINES, FULL_SYSTEM
from recsys.models.served_ranker import BLEND, FULL_RANKER, PART_NAMES, PARTS
from recsys.training.choice_days import Evidence

MARGIN, CONFIDENCE = 0.01, 0.8


@dataclass(frozen=True, slots=True)
class Compared:
    """Paired comparison of AUC. difference: mean; draws: share of bootstrap draws in which it is above zero."""

    difference: float
    draws: float

    @classmethod
    def of(cls, system: Floats, other: Floats, readers: Ints) -> "Compared":
        """Compare the AUCs of two systems, by slate [S], where both are known."""
        unknown = np.isnan(system) | np.isnan(other)
        system, other = (np.where(unknown, np.nan, aucs) for aucs in (system, other))
        return cls(metrics.mean(system - other), share_of_wins(system, other, readers))

    @property
    def clear(self) -> bool:
        """True if the system is better by the rule of this module."""
        return self.difference >= MARGIN and self.draws >= CONFIDENCE


@dataclass(frozen=True, slots=True)
class RankerChoice:
    """Chosen ranker.

    system: name in `PART_NAMES`; parts: each other one against the default; baselines: each baseline against the
    chosen ranker. days: number of days on which the parts were compared.
    """

    system: str
    default: str
    parts: Mapping[str, Compared]
    baselines: Mapping[str, Compared]
    days: int = 1

    @classmethod
    def of(cls, replayed: ReplayScores, evidence: Evidence | None = None) -> "RankerChoice":
        """Apply the rule to the scores on the validation slice, or for the parts to more `evidence`."""
        aucs = {name: metrics.auc(replayed.as_served(name)) for name in (FULL_SYSTEM, *PARTS)}
        found = evidence or Evidence(aucs, replayed.readers, days=1)
        default = FULL_SYSTEM if evidence is None else BLEND
        parts = {
            name: Compared.of(found.aucs[name], found.aucs[default], found.readers)
            for name in (FULL_SYSTEM, *PARTS)
            if name != default
        }
        better = [name for name, compared in parts.items() if compared.clear]
        system = max(better, key=lambda name: parts[name].difference, default=default)
        baselines = {
            name: Compared.of(metrics.auc(replayed.slates(name)), aucs[system], replayed.readers)
            for name in BASELINES
        }
        return cls(system, default, parts, baselines, found.days)

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
            "default": self.default,
            "rule": {"margin": MARGIN, "draws": CONFIDENCE},
            "days": self.days,
            "parts": {name: asdict(compared) for name, compared in self.parts.items()},
            "baselines": {name: asdict(compared) for name, compared in self.baselines.items()},
            "better_baseline": self.better_baseline,
        }
