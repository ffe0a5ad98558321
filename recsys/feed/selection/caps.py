"""Caps: limits on the share of one category, source or author of posts in a slate."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.constants import NEW_READER
from recsys.state.catalog import Catalog

MAX_SHARE = 0.4
"""A group fills at most this share of a slate while others remain, except as `caps` allows more."""

AUTHOR_SHARE = 0.15
"""An author fills at most this share of a slate where articles are posts: several authors make a conversation."""

WORTH_EXCEEDING = 1.25
"""Utility of an article above the cap of its category, as a multiple of that of the article that it displaces.
Where it is not worth that much more to this reader, the cap holds.
"""

_ENOUGH_READS = 10
"""Fewer reads do not show a reader's mix of categories."""


@dataclass(frozen=True, slots=True)
class Cap:
    """Cap on groups.

    codes: group of each candidate [n], negative for none. shares: largest share per group. firm: candidates above
    the cap wait for all others, whatever they are worth.
    """

    codes: NDArray[np.integer]
    shares: NDArray[np.float64]
    firm: bool = True

    def most(self, limit: int) -> NDArray[np.int64]:
        """Return the largest number of each group in a slate of `limit`, while other groups remain."""
        return np.maximum(np.ceil(limit * self.shares), 1).astype(np.int64)


def caps(
    catalog: Catalog,
    rows: NDArray[np.int64],
    read: NDArray[np.int64],
    exempt: NDArray[np.bool_] | None = None,
    posts: bool = False,
) -> tuple[Cap, ...]:
    """Return caps on the categories and sources of candidates `rows` [n] for a reader with reads `read` [h].

    A category may have its share of the reads: calibrated to the reader's own mix (Steck 2018); or all, if there
    is no other one, as in the feed of a section. This cap alone is not firm, except for a new reader: an article
    above it must be worth more. A source may have its share of the candidates: if most articles come from one
    source, so may the slate.
    Candidates that are `exempt` [n] are not limited. With `posts` there is a cap on authors, without exemption.
    """
    categories, sources = catalog.category, catalog.source
    mix = read if len(read) >= _ENOUGH_READS else read[:0]
    if (categories[rows] == categories[rows[:1]]).all():
        mix = rows
    category = replace(_cap(categories[rows], categories[mix], exempt), firm=len(read) < NEW_READER)
    found = category, _cap(sources[rows], sources[rows], exempt)
    return (*found, _cap(catalog.author[rows], catalog.author[rows], None, AUTHOR_SHARE)) if posts else found


def _cap(
    codes: NDArray[np.integer],
    among: NDArray[np.integer],
    exempt: NDArray[np.bool_] | None,
    least: float = MAX_SHARE,
) -> Cap:
    """Return a cap by the share of each group in `among`, at least `least`."""
    known = int(codes.max(initial=-1)) + 1
    counts = np.bincount(among[(among >= 0) & (among < known)], minlength=known)
    shares = np.maximum(counts / max(len(among), 1), least)
    return Cap(codes if exempt is None else np.where(exempt, -1, codes), shares)
