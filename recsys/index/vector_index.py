"""Interface of an index of article vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.floating]
Floats32 = NDArray[np.float32]
Places = NDArray[np.int64]


class DenseIds(Protocol):
    """Dense ids of articles, such as those of a state; they only grow in number, and none changes."""

    def __len__(self) -> int:
        """Return the number of articles that have one."""
        ...

    def lookup(self, strings: Sequence[str]) -> NDArray[np.int64]:
        """Return the dense ids [n] of `strings`, negative for unknown ones."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Nearest articles of q queries, best first.

    Attributes:
        ids: q lists of at most k article ids; shorter if the index has fewer.
        scores: float32 [q, k], cosine similarity, −inf where there is no article.
    """

    ids: list[list[str]]
    scores: Floats32


class VectorIndex(Protocol):
    """Index of one vector per article id, with a search by cosine similarity.

    Vectors and queries are L2-normalised on input (a zero vector stays zero and scores 0), so the inner product is
    the cosine. Equal scores are ordered by id. Final scores are computed in double precision from the stored
    vectors, so they are identical to the bit for every kind and every order of insertion.

    Concurrent reads are safe. Writes are not: the caller must exclude readers.
    """

    @property
    def dim(self) -> int:
        """Return the length of the vectors."""
        ...

    def __len__(self) -> int:
        """Return the number of articles."""
        ...

    def ids(self) -> list[str]:
        """Return the stored ids, sorted."""
        ...

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store vectors, float [n, dim]. Replace the vector of a stored id; the last one of a repeated id wins.

        Raises:
            DataError: the shape does not fit the ids and `dim`, or a number is not finite. Nothing is stored.
        """
        ...

    def remove(self, ids: Sequence[str]) -> int:
        """Remove `ids`, and return how many were stored; ignore unknown ids."""
        ...

    def search(self, queries: Vectors, k: int) -> Hits:
        """Return the k articles nearest to each query, float [q, dim].

        Raises:
            DataError: `queries` has another width, a number is not finite, or k < 1.
        """
        ...

    def nearest(self, queries: Vectors, k: int) -> list[Places]:
        """Return the places in the index of the articles that `search` finds, best first: q arrays of at most k.

        It is cheaper than `search`, because hardly any score need be exact to order the articles. A place says
        which article it is only until the index changes: see `rows`.

        Raises:
            DataError: see `search`.
        """
        ...

    def rows(self, articles: DenseIds) -> NDArray[np.int64]:
        """Return the dense id of the article at each place, negative where `articles` has none."""
        ...

    def save(self, path: Path) -> None:
        """Write the index into the folder `path`; create it if missing. `index_factory.load_index` loads it."""
        ...
