"""Article vectors by (model, text hash): an unchanged text is never encoded twice."""

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
    """The stored vectors [d] of `model` among `text_hashes`."""
    v = article_vectors
    frame = pl.DataFrame({"text_hash": list(text_hashes)}, schema={"text_hash": pl.String})
    wanted = bulk_insert.stage(connection, v, frame.unique())
    query = sa.select(v.c.text_hash, v.c.vector).join(wanted, wanted.c.text_hash == v.c.text_hash)
    rows = connection.execute(query.where(v.c.model == model))
    return {text_hash: np.frombuffer(vector, dtype=_DTYPE) for text_hash, vector in rows}


def save(connection: Connection, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Store vectors [d] by text hash; those already stored stay."""
    if not vectors:
        return
    rows = [
        {"model": model, "text_hash": text_hash, "vector": vector.astype(_DTYPE).tobytes()}
        for text_hash, vector in vectors.items()
    ]
    connection.execute(insert(connection, article_vectors).on_conflict_do_nothing(), rows)
