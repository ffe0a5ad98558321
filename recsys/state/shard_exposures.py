"""Exposures in the state of a shard: whole rings of its own readers, short windows of all others."""

import numpy as np
from numpy.typing import NDArray

from recsys.state.attribution_windows import AttributionWindows
from recsys.state.exposures import AttributedClick, ExposureOutcomes, Exposures
from recsys.state.flat_arrays import Rings, grow
from recsys.state.shard import Shard
from recsys.state.vocabulary import Vocabulary


class ShardExposures:
    """Exposures of the readers of a shard, and of others what the ratings of articles need.

    Attributes:
        own: rings of the readers of the shard, by rows of their own.
        windows: windows of other readers, by rows of their own.
        rows: by dense reader id: the row in `own`, or ~row in `windows`.
        numbered: number of readers that have a row, `held` of them in `own`.
    """

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.own = Exposures()
        self.windows = AttributionWindows()
        self.rows: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.numbered = self.held = 0
        self._row = self.rows.data

    @property
    def rings(self) -> Rings:
        """Rings of the readers of the shard."""
        return self.own.rings

    def restore(self, rows: NDArray[np.int32]) -> None:
        """Load the rows of a snapshot; `own` and `windows` are set by the caller."""
        self.rows, self.numbered, self.held = rows, len(rows), int((rows >= 0).sum())
        self._row = self.rows.data

    def reserve(self, readers: Vocabulary) -> None:
        """Make room for all `readers`: new ones get a row."""
        known, total = self.numbered, len(readers)
        if total == known:
            return
        self.rows = grow(self.rows, total)
        new = [self.shard.holds(reader) for reader in readers.strings[known:]]
        own = np.asarray(new, dtype=np.bool_)
        others = known - self.held
        self.rows[known:total] = np.where(own, self.held + np.cumsum(own) - 1, ~(others + np.cumsum(~own) - 1))
        self.numbered, self._row = total, self.rows.data
        self.held += int(own.sum())
        self.own.rings.reserve(self.held)
        self.windows.reserve(total - self.held)

    def record(self, reader: int, article: int, at: int, place: int = 0) -> None:
        """Fold one exposure: see `Exposures.record`."""
        row = self._row[reader]
        if row >= 0:
            self.own.record(row, article, at, place)
        else:
            self.windows.record(~row, article, at, place)

    def attribute_click(self, reader: int, article: int) -> AttributedClick | None:
        """Return the slate of a click: see `Exposures.attribute_click`."""
        row = self._row[reader]
        return self.own.attribute_click(row, article) if row >= 0 else self.windows.attribute_click(~row, article)

    def read(self, reader: int, article: int, seconds: float) -> None:
        """Set the outcome of a clicked exposure: see `Exposures.read`. It changes no article."""
        row = self._row[reader]
        if row >= 0:
            self.own.read(row, article, seconds)

    def of(self, reader: int, most: int = 64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the last exposures of a reader of the shard: see `Exposures.of`."""
        return self.own.of(self._own_row(reader), most)

    def outcomes(self, reader: int) -> ExposureOutcomes:
        """Return all exposures of a reader of the shard: see `Exposures.outcomes`."""
        return self.own.outcomes(self._own_row(reader))

    def _own_row(self, reader: int) -> int:
        if reader < 0:
            return reader
        row = int(self._row[reader])
        assert row >= 0, "this shard does not hold the reader"
        return row
