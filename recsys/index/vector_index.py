"""The port: what every index of article vectors can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.floating]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The nearest articles of q queries, best first.

    Attributes:
        ids: q lists of at most k article ids; shorter when the index holds fewer.
        scores: float32 [q, k], cosine similarity, −inf where there is no article.
    """

    ids: list[list[str]]
    scores: Floats32


class VectorIndex(Protocol):
    """Article ids with one vector each; finds those of largest cosine similarity.

    Vectors and queries are L2-normalised on the way in (a zero vector stays zero and scores 0), so the inner
    product is the cosine. Equal scores are ordered by id. Scores are computed again in double precision from the
    stored vectors, so they are the same to the bit in every kind, and however the index was filled.

    Reading from several threads is safe; writing is not, and its caller keeps readers out.
    """

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def __len__(self) -> int:
        """Number of articles held."""
        ...

    def ids(self) -> list[str]:
        """The ids held, sorted."""
        ...

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store vectors, float [n, dim]. An id that is held is replaced; of a repeated id the last one counts.

        Raises:
            DataError: the shape does not fit the ids and `dim`, or a number is not finite. Nothing is stored.
        """
        ...

    def remove(self, ids: Sequence[str]) -> int:
        """Forget `ids`; those not held are ignored. Returns how many were held."""
        ...

    def search(self, queries: Vectors, k: int) -> Hits:
        """The k articles nearest to each query, float [q, dim].

        Raises:
            DataError: `queries` has another width, a number is not finite, or k < 1.
        """
        ...

    def save(self, path: Path) -> None:
        """Write the index into the folder `path`, made if missing. `build.load_index` reads it back."""
        ...
