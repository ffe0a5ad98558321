"""Reader ids as they come in → what is stored of them: themselves, or keyed hashes that tell nobody who it is.

HMAC-SHA-256 (RFC 2104) under a secret that is not in the database, cut to 128 bits. Who has the database but not
the secret can neither go back from a pseudonym nor try ids.
"""

import hashlib
import hmac

import polars as pl

from ingest.validate import LONGEST_ID

_DIGITS = 32


class Pseudonyms:
    """Stands at the edge: every id goes through it once, and nothing behind it knows the ids that came.

    Args:
        key: the secret; None leaves ids as they are.
    """

    def __init__(self, key: str | None = None) -> None:
        self._key = None if key is None else key.encode()

    def of(self, reader: str) -> str:
        """What is stored of `reader`: 32 hexadecimal digits, always the same under one key."""
        if self._key is None:
            return reader
        return hmac.new(self._key, reader.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    def in_frame(self, rows: pl.DataFrame, column: str = "reader") -> pl.DataFrame:
        """`rows` with pseudonyms in a column of text, if they have it; what is no id is left for checks to refuse.

        Whoever makes ids of rows from what they say does it afterwards.
        """
        if self._key is None or column not in rows.columns:
            return rows
        readers = rows[column].drop_nulls().unique()
        hidden = pl.Series([self.of(each) if _fits(each) else each for each in readers], dtype=pl.String)
        return rows.with_columns(pl.col(column).replace_strict(readers, hidden, default=None))


def _fits(reader: str) -> bool:
    return bool(reader.strip()) and "\0" not in reader and len(reader.encode()) <= LONGEST_ID


PLAIN = Pseudonyms()
"""Leaves ids as they are."""
