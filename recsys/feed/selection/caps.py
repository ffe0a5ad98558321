"""No category or source takes a slate over, unless the reader reads it or asked for it, or it is all there is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.state.catalog import Catalog

MAX_SHARE = 0.4
"""A group fills no more of a slate than this while others are left, but for the exceptions below."""

_ENOUGH_READS = 10
"""Fewer do not tell what a reader's mix is."""


@dataclass(frozen=True, slots=True)
class Cap:
    """codes: the group of each candidate [n], negative if it has none; shares: the largest of each group."""

    codes: NDArray[np.integer]
    shares: NDArray[np.float64]

    def most(self, limit: int) -> NDArray[np.int64]:
        """How many of each group a slate of `limit` takes while others are left."""
        return np.maximum(np.ceil(limit * self.shares), 1).astype(np.int64)


def caps(
    catalog: Catalog,
    rows: NDArray[np.int64],
    read: NDArray[np.int64],
    exempt: NDArray[np.bool_] | None = None,
) -> tuple[Cap, Cap]:
    """Of the categories and the sources of candidates `rows` [n], for a reader who read articles `read` [h].

    A category may have its share of what was read: calibrated to the reader's own mix (Steck 2018), as a ceiling.
    A source may have its share of the candidates: where most articles are from one, so may the slate be. Of
    candidates that are `exempt` [n] there may be any number.
    """
    mix = read if len(read) >= _ENOUGH_READS else read[:0]
    categories, sources = catalog.category, catalog.source
    return (
        _cap(categories[rows], categories[mix], exempt),
        _cap(sources[rows], sources[rows], exempt),
    )


def _cap(codes: NDArray[np.integer], among: NDArray[np.integer], exempt: NDArray[np.bool_] | None) -> Cap:
    """A group may have its share of `among`, `MAX_SHARE` at least."""
    known = int(codes.max(initial=-1)) + 1
    counts = np.bincount(among[(among >= 0) & (among < known)], minlength=known)
    shares = np.maximum(counts / max(len(among), 1), MAX_SHARE)
    return Cap(codes if exempt is None else np.where(exempt, -1, codes), shares)
