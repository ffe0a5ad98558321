"""Orders of the same slates before and after a change."""

from dataclasses import dataclass, field

import numpy as np

from recsys.evaluation import metrics
from recsys.evaluation.scored_slates import Floats, ScoredSlates
from recsys.ranking.ranker import Ranker


@dataclass(slots=True)
class ComparedOrders:
    """Features [n, f] of slates before and after a change."""

    before: list[Floats] = field(default_factory=list)
    after: list[Floats] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.before)

    def add(self, before: Floats, after: Floats) -> None:
        """Add one slate."""
        self.before.append(before)
        self.after.append(after)

    def then(self, later: "ComparedOrders") -> "ComparedOrders":
        """Return these slates and `later` ones."""
        return ComparedOrders(self.before + later.before, self.after + later.after)

    def first(self, count: int) -> "ComparedOrders":
        """Return the first slates, at most `count`."""
        return ComparedOrders(self.before[:count], self.after[:count])

    def agreement(self, ranker: Ranker) -> float:
        """Return the mean rank correlation of the slates."""
        offsets = np.concatenate([[0], np.cumsum([len(each) for each in self.before])]).astype(np.int64)
        labels = np.zeros(offsets[-1], dtype=np.int8)
        one, other = (
            ScoredSlates(ranker.score(np.concatenate(features)), labels, offsets)
            for features in (self.before, self.after)
        )
        return metrics.mean(metrics.spearman(one, other))
