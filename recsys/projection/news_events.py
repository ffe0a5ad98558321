"""Articles on one news event, by vectors and times: links between them, which the catalogue groups into stories.

Two articles are linked if their cosine is far above that of random pairs and they were published within two days;
of many, an article is linked with those published just before it.
The links depend on the articles only, not on the order in which they arrive, so a replay finds the same. Only
before the first training, the smallest cosine follows the articles so far, and a restart may find other links.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY
from recsys.encoder.vector_space import LEAST_ARTICLES, VectorSpace
from recsys.state import stories
from recsys.state.catalog import NEVER, Catalog

Vectors = NDArray[np.float32]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

WITHIN = 2 * DAY
"""Longest time between the publication of two linked articles."""

_DEVIATIONS, _MOST = 7.5, 0.85
"""A link needs a cosine this many standard deviations above the mean of random pairs, but no more than `_MOST`.

By eye: with the default encoder all pairs of English news from 0.82 on were on one news event (random pairs: mean
0.17, deviation 0.12); with multilingual-e5-small, centred, pairs of Danish news were from 0.68 on, and from 0.5 to
0.6 they were texts of one template about different houses (docs/log/).
"""

_UNKNOWN_SPREAD = 0.97
"""Smallest cosine of a link while there are too few articles to know the spread of cosines."""

_ROUGH = 0.15
"""Pairs whose cosine on the main axes is lower than that of a link by more than this are not compared whole."""

_BLOCK, _SAMPLE = 256, 500
_PAIRS = 16_384
"""Pairs whose cosines are computed at once, one by one."""

_DENSE, _ROUNDING = 0.05, 1e-4
"""From this share of pairs on, all cosines are computed as one product; those this close to a link again, alone.

Thousands of articles with one template of a title have millions of pairs. A product rounds as its shape demands.
"""


@dataclass(frozen=True, slots=True)
class ArticleVectors:
    """Vectors of all articles.

    whole: in `space` [rows, d]; on_axes: on its main axes [rows, c]; present: True for articles with one [rows].
    """

    whole: Vectors
    on_axes: Vectors
    present: NDArray[np.bool_]
    space: VectorSpace

    def close(self, rows: NDArray[np.int64], others: NDArray[np.int64], least: float) -> Pairs:
        """Return the indices in `rows` and in `others` of the pairs with at least this cosine, in their order."""
        maybe = self.on_axes[rows] @ self.on_axes[others].T >= least - _ROUGH
        sure: NDArray[np.bool_] | None = None
        if np.count_nonzero(maybe) > _DENSE * maybe.size:
            cosines = self.whole[rows] @ self.whole[others].T
            maybe &= cosines >= least - _ROUNDING
            sure = cosines[maybe] >= least + _ROUNDING
        one, other = np.nonzero(maybe)
        near = np.zeros(len(one), dtype=np.bool_) if sure is None else sure
        unsure = np.flatnonzero(~near)
        for start in range(0, len(unsure), _PAIRS):
            part = unsure[start : start + _PAIRS]
            cosines = np.einsum("nd,nd->n", self.whole[rows[one[part]]], self.whole[others[other[part]]])
            near[part] = cosines >= least
        return one[near], other[near]


def link_news_events(catalog: Catalog, rows: NDArray[np.int64], vectors: ArticleVectors) -> None:
    """Replace the links of articles `rows` [n] of `catalog` by those of their vectors.

    An article that lost one of its nearest links, also before, gets the next nearest one.
    """
    if len(rows):
        catalog.link(rows, find_links(catalog, rows, vectors))
    if len(catalog.lacking_links):
        catalog.link(catalog.lacking_links, find_links(catalog, catalog.lacking_links, vectors))


def find_links(catalog: Catalog, rows: NDArray[np.int64], vectors: ArticleVectors) -> NDArray[np.int64]:
    """Return the links [l, 2] of `rows` [n]: of each article those with the nearest ones before it.

    Nothing changes.
    """
    timed = np.flatnonzero(vectors.present[: len(catalog.published)])
    timed = catalog.publication_order.sort(timed[catalog.published[timed] != NEVER])
    is_new = np.isin(timed, rows)
    new = np.flatnonzero(is_new)
    if not len(new):
        return stories.NO_LINKS
    times, least = catalog.published[timed], least_cosine(vectors.space, vectors.whole, timed)
    all_new = len(new) == len(timed)
    room = np.full(len(timed), stories.MOST_LINKS)
    found = []
    for start in reversed(range(0, len(new), _BLOCK)):
        block = new[start : start + _BLOCK]
        first, last = np.searchsorted(times, (times[block[0]] - WITHIN, times[block[-1]] + WITHIN + 1))
        last = block[-1] + 1 if all_new else last
        one, other = vectors.close(timed[block], timed[first:last], least)
        place, near = block[one], first + other
        within = np.abs(times[place] - times[near]) <= WITHIN
        before = within & (near < place)
        found.append(timed[np.column_stack(stories.latest(place[before], near[before]))])
        # pairs of two new ones are found from the later one; the blocks nearest to an older one come first
        after = np.flatnonzero(within & (near > place) & ~is_new[near])
        after = after[np.lexsort((place[after], near[after]))]
        later, earlier = stories.latest(near[after], place[after], room[near[after]])
        room -= np.bincount(later, minlength=len(room))
        found.append(timed[np.column_stack((later, earlier))])
    return np.concatenate(found)


def least_cosine(space: VectorSpace, vectors: Vectors, rows: NDArray[np.int64]) -> float:
    """Return the smallest cosine of a link, by the spread of cosines in `space` or of `vectors` of `rows`."""
    if space.axes is not None:
        typical, spread = space.typical, 1 / space.inverse_temperature
    elif len(rows) >= LEAST_ARTICLES:
        sample = vectors[rows[:: len(rows) // _SAMPLE + 1]]
        cosines = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
        typical, spread = float(cosines.mean()), float(cosines.std())
    else:
        return _UNKNOWN_SPREAD
    return min(typical + _DEVIATIONS * spread, _MOST)
