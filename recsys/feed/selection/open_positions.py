"""Positions of a slate, filled from the top: what remains for each, and what a rule puts there."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.feed.selection.caps import WORTH_EXCEEDING, Cap
from recsys.feed.selection.exploration import NO_EXPLORATION, Exploration
from recsys.feed.selection.slate_edits import NO_EDITS, Edits, Limit
from recsys.ranking.query import FloatArray


@dataclass(frozen=True, slots=True)
class SlatePlan:
    """Plan of a slate: `limit` positions from the candidates in `order` [n], best first, within `caps`.

    utilities: of the candidates, 0 or more [n]; None if they are not known: then every cap is firm.
    """

    order: NDArray[np.intp]
    caps: Sequence[Cap]
    limit: int
    exploration: Exploration
    edits: Edits = NO_EDITS
    utilities: FloatArray | None = None


class OpenPositions:
    """Positions of a slate that are still open, from the top.

    Attributes:
        remaining: candidates for the next position, best first. Those above the limit of a quota do not remain.
        taken: candidates of the filled positions; −1 for an article that is no candidate.
    """

    def __init__(self, plan: SlatePlan) -> None:
        self.taken: list[int] = []
        self._limit, self._exploration = plan.limit, plan.exploration
        self._waiting = dict(plan.edits.placed)
        self._quotas = OpenQuotas(plan.edits.limits, list(self._waiting.values()))
        self.remaining = self._quotas.within(apply_caps(plan))

    @property
    def open(self) -> bool:
        """True while there is a position, and something for it."""
        return len(self.taken) < self._limit and bool(self.remaining or self._waiting)

    @property
    def placed(self) -> int | None:
        """Candidate that a rule puts at the next position, or after the last one; None without one."""
        position = len(self.taken)
        if position in self._waiting:
            return self._waiting[position]
        return None if self.remaining else self._waiting[min(self._waiting)]

    @property
    def exploration(self) -> Exploration:
        """Exploration of the next position: none of the first."""
        return self._exploration if self.taken else NO_EXPLORATION

    def take(self, candidate: int) -> None:
        """Fill the next position with `candidate`, or with −1, an article that is no candidate."""
        self.taken.append(candidate)
        for position, waiting in self._waiting.items():
            if waiting == candidate:
                del self._waiting[position]
                return
        if candidate in self.remaining:
            self.remaining.remove(candidate)
            if self._quotas.count(candidate):
                self.remaining = self._quotas.within(self.remaining)


class OpenQuotas:
    """Numbers of candidates that the quotas still allow; those that rules place count from the start."""

    def __init__(self, limits: Sequence[Limit], placed: Sequence[int]) -> None:
        self._limits = limits
        self._left = [limit.most - int(limit.eligible[list(placed)].sum()) for limit in limits]

    def count(self, candidate: int) -> bool:
        """Count a chosen candidate; return True if a quota is full now."""
        full = False
        for i, limit in enumerate(self._limits):
            if limit.eligible[candidate]:
                self._left[i] -= 1
                full |= self._left[i] <= 0
        return full

    def within(self, candidates: list[int]) -> list[int]:
        """Return the candidates of no full quota."""
        full = [limit.eligible for limit, left in zip(self._limits, self._left, strict=True) if left <= 0]
        if not full:
            return candidates
        return [each for each in candidates if not any(eligible[each] for eligible in full)]


def apply_caps(plan: SlatePlan) -> list[int]:
    """Return the candidates in their order, with those above a cap behind all others.

    One above a cap that is not firm stays before the first that it exceeds by `WORTH_EXCEEDING`, but behind those
    above such a cap that come before it; without enough candidates within the caps, these fill the slate.
    """
    order: list[int] = plan.order.tolist()
    if not plan.caps:
        return order
    worth = None if plan.utilities is None else plan.utilities.tolist()
    counters = [_Counter.of(cap, plan.limit, cap.firm or worth is None) for cap in plan.caps]
    chosen: list[int] = []
    above = deque[int]()
    for place in order:
        full = [counter.firm for counter in counters if counter.left[counter.codes[place]] <= 0]
        if full:
            if not any(full):
                above.append(place)
            continue
        while worth and above and worth[above[0]] > WORTH_EXCEEDING * worth[place]:
            _take(chosen, above.popleft(), counters)
        _take(chosen, place, counters)
    while above and len(chosen) < plan.limit:  # too few within the caps, as on a page of one category
        _take(chosen, above.popleft(), counters)
    taken = set(chosen)
    return chosen + [place for place in order if place not in taken]


def _take(chosen: list[int], place: int, counters: Sequence["_Counter"]) -> None:
    """Add the candidate `place` unless a firm cap is full by now."""
    if any(counter.firm and counter.left[counter.codes[place]] <= 0 for counter in counters):
        return
    chosen.append(place)
    for counter in counters:
        counter.left[counter.codes[place]] -= 1


class _Counter(NamedTuple):
    """Group of each candidate, and the number that each group may still have; the last one is of no group, −1."""

    codes: list[int]
    left: list[int]
    firm: bool

    @classmethod
    def of(cls, cap: Cap, limit: int, firm: bool) -> "_Counter":
        return cls(cap.codes.tolist(), [*cap.most(limit).tolist(), len(cap.codes)], firm)
