"""No category or source takes a slate over, unless the reader reads it or asked for it, or it is all there is."""

from collections.abc import Collection
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
    catalog: Catalog, rows: NDArray[np.int64], read: NDArray[np.int64], wanted: Collection[str] = ()
) -> tuple[Cap, Cap]:
    """Of the categories and the sources of candidates `rows` [n], for a reader who read articles `read` [h].

    A category may have its share of what was read: calibrated to the reader's own mix (Steck 2018), as a ceiling.
    A source may have its share of the candidates: where most articles are from one, so may the slate be. What the
    reader asked for, by name, has no ceiling.
    """
    mix = read if len(read) >= _ENOUGH_READS else read[:0]
    categories, sources = catalog.category, catalog.source
    return (
        _cap(categories[rows], categories[mix], catalog.categories.lookup(sorted(wanted))),
        _cap(sources[rows], sources[rows], catalog.sources.lookup(sorted(wanted))),
    )


def _cap(codes: NDArray[np.integer], among: NDArray[np.integer], wanted: NDArray[np.integer]) -> Cap:
    """A group may have its share of `among`, `MAX_SHARE` at least, and all if it is `wanted`."""
    known = int(codes.max(initial=-1)) + 1
    counts = np.bincount(among[(among >= 0) & (among < known)], minlength=known)
    shares = np.maximum(counts / max(len(among), 1), MAX_SHARE)
    shares[wanted[(wanted >= 0) & (wanted < known)]] = 1.0
    return Cap(codes, shares)
