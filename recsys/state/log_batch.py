"""A part of the log as arrays of dense ids, ready to be folded."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Behaviours:
    """Behaviours of readers, in the fold's order. All arrays are [e]; times are microseconds.

    kind: codes of `state.event_codes`; value: seconds or percent, 0 without one; order: rank in the fold's order
    among all rows of the batch, including exposures.
    """

    known_at: NDArray[np.int64]
    order: NDArray[np.int64]
    at: NDArray[np.int64]
    reader: NDArray[np.int64]
    article: NDArray[np.int64]
    kind: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """Exposures, one row per shown candidate, in the fold's order. All arrays are [x].

    order: rank of the slate in the fold's order, as in `Behaviours`; place: position in the slate, from 1; 0 in a
    slate without a meaningful order.
    """

    known_at: NDArray[np.int64]
    order: NDArray[np.int64]
    reader: NDArray[np.int64]
    article: NDArray[np.int64]
    place: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Follows:
    """Changes of what readers follow, in the fold's order. All arrays are [f].

    subject: codes of `Catalog.authors`; begins: True for follow and focus, False for unfollow.
    """

    known_at: NDArray[np.int64]
    reader: NDArray[np.int64]
    subject: NDArray[np.int64]
    begins: NDArray[np.bool_]


def no_follows() -> Follows:
    """Return a part without changes."""
    none = np.zeros(0, dtype=np.int64)
    return Follows(none, none, none, np.zeros(0, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Behaviours, exposures and changes of follows of one part of the log."""

    behaviours: Behaviours
    shown: Shown
    follows: Follows = field(default_factory=no_follows)

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest known_at; None without rows."""
        ends = [
            (int(part.known_at[0]), int(part.known_at[-1]))
            for part in (self.behaviours, self.shown, self.follows)
            if len(part.known_at)
        ]
        return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None

    def split(self, as_of: int) -> tuple["LogBatch", "LogBatch"]:
        """Return the rows known before `as_of`, and the remaining rows."""
        parts = (self.behaviours, self.shown, self.follows)
        cuts = [int(np.searchsorted(part.known_at, as_of, side="left")) for part in parts]
        return (
            LogBatch(*(_cut(part, slice(None, cut)) for part, cut in zip(parts, cuts, strict=True))),
            LogBatch(*(_cut(part, slice(cut, None)) for part, cut in zip(parts, cuts, strict=True))),
        )


def _cut(part: Any, rows: slice) -> Any:
    return type(part)(*(getattr(part, name)[rows] for name in part.__slots__))
