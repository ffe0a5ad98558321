"""Checks and normalisation of the input of an index."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.index.vector_index import Floats32, Vectors


def unit_vectors(vectors: Vectors, dim: int) -> NDArray[np.float64]:
    """Check float [n, dim] and scale every row to length 1; zero rows stay zero.

    Raises:
        DataError: the shape differs, or a number is not finite.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise DataError(f"the index holds vectors of {dim} numbers, got an array of shape {vectors.shape}")
    wide = vectors.astype(np.float64)
    not_finite = np.flatnonzero(~np.isfinite(wide).all(axis=1))
    if len(not_finite):
        raise DataError(f"{len(not_finite)} vectors hold NaN or infinity, the first is row {not_finite[0]}")
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1), dtype=np.float64)


def entries(ids: Sequence[str], vectors: Vectors, dim: int) -> tuple[list[str], Floats32]:
    """Return ids and unit vectors to store; only the last of a repeated id stays.

    Raises:
        DataError: see `unit_vectors`; or the numbers of ids and vectors differ.
    """
    units = unit_vectors(vectors, dim)
    if len(ids) != len(units):
        raise DataError(f"{len(ids)} ids for {len(units)} vectors")
    last_row = {id_: row for row, id_ in enumerate(ids)}
    return list(last_row), np.ascontiguousarray(units[list(last_row.values())], dtype=np.float32)


def check_k(k: int) -> None:
    """Check that a search requests at least one article.

    Raises:
        DataError: k < 1.
    """
    if k < 1:
        raise DataError(f"a search needs k ≥ 1, got {k}")
