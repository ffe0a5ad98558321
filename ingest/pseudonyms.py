"""Reader ids as they come in → what is stored of them: themselves, or keyed hashes that tell nobody who it is.

HMAC-SHA-256 (RFC 2104) under a secret that is not in the database, cut to 128 bits. Who has the database but not
the secret can neither go back from a pseudonym nor try ids.
"""

import hashlib
import hmac
from collections.abc import Mapping

import polars as pl

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

    def in_row(self, row: object) -> object:
        """A row as it was sent, but for its reader; one without a reader is left for the checks to refuse."""
        reader = row.get("reader") if isinstance(row, Mapping) else None
        named = isinstance(reader, str | int) and not isinstance(reader, bool) and str(reader).strip()
        return {**row, "reader": self.of(str(reader))} if self._key and named else row  # type: ignore[dict-item]

    def in_frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Checked rows with a column `reader`, under the pseudonyms."""
        if self._key is None or rows.is_empty():
            return rows
        readers = rows["reader"].unique()
        return rows.with_columns(
            pl.col("reader").replace_strict(
                readers, pl.Series([self.of(each) for each in readers], dtype=pl.String)
            )
        )
