"""Dense ids of the articles at the places of an index, so that a search finds rows of a state."""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from recsys.index.vector_index import DenseIds


@dataclass(frozen=True, slots=True)
class _Known:
    """Dense ids by place, from the first `size` articles of a vocabulary."""

    rows: NDArray[np.int64]
    articles: ref[DenseIds]  # weak, so that a state that was replaced leaves memory
    size: int


class PlaceRows:
    """Dense ids by place, looked up once for each article.

    They stay right without a check: dense ids never change, and the article at a place changes only when the index
    moves its articles, which calls `clear`. Places and articles that were added since are looked up by `of`. A
    place whose article was removed may keep its dense id, because no search finds it.
    """

    def __init__(self) -> None:
        self._known: _Known | None = None

    def clear(self) -> None:
        """Forget all places: other articles are there now."""
        self._known = None

    def of(self, ids: Sequence[str | None], articles: DenseIds) -> NDArray[np.int64]:
        """Return the dense id in `articles` of each of `ids`, by place; negative for unknown ones."""
        known = self._known
        if known is None or known.articles() is not articles:
            known = _Known(np.zeros(0, dtype=np.int64), ref(articles), 0)
        if (len(known.rows), known.size) != (len(ids), len(articles)):
            rows = np.append(known.rows, np.full(len(ids) - len(known.rows), -1, dtype=np.int64))
            unknown = np.flatnonzero(rows < 0)
            rows[unknown] = articles.lookup([ids[place] or "" for place in unknown.tolist()])
            # assigned as a whole, because concurrent searches may read it
            known = self._known = _Known(rows, known.articles, len(articles))
        return known.rows
