"""Article vectors by (model, text hash), so that an unchanged text is encoded only once."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from recsys.store import bulk_insert
from recsys.store.conflict_insert import insert
from recsys.store.tables import article_vectors

_DTYPE = np.dtype("<f4")


def load(connection: Connection, model: str, text_hashes: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return the stored vectors [d] of `model` by text hash, for those of `text_hashes` that are stored."""
    v = article_vectors
    frame = pl.DataFrame({"text_hash": list(text_hashes)}, schema={"text_hash": pl.String})
    requested = bulk_insert.stage(connection, v, frame.unique())
    query = sa.select(v.c.text_hash, v.c.vector).join(requested, requested.c.text_hash == v.c.text_hash)
    rows = connection.execute(query.where(v.c.model == model))
    return {text_hash: np.frombuffer(vector, dtype=_DTYPE) for text_hash, vector in rows}


def save(connection: Connection, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Store vectors [d] by text hash; keep those already stored."""
    if not vectors:
        return
    rows = [
        {"model": model, "text_hash": text_hash, "vector": vector.astype(_DTYPE).tobytes()}
        for text_hash, vector in vectors.items()
    ]
    connection.execute(insert(connection, article_vectors).on_conflict_do_nothing(), rows)
