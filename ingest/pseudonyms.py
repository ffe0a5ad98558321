"""Pseudonyms of reader ids: the ids themselves, or keyed hashes.

HMAC-SHA-256 (RFC 2104) with a secret that is not in the database, cut to 128 bits. Without the secret, pseudonyms
in the database cannot be reversed, and guessed ids cannot be tested.
"""

import hashlib
import hmac

import polars as pl

from ingest.limits import LONGEST_ID

_DIGITS = 32


class Pseudonyms:
    """Replacement of reader ids on entry: each id is replaced once, and later code knows only pseudonyms.

    Args:
        key: secret; None leaves ids unchanged.
    """

    def __init__(self, key: str | None = None) -> None:
        self._key = None if key is None else key.encode()

    @property
    def plain(self) -> bool:
        """True if ids are stored unchanged."""
        return self._key is None

    def of(self, reader: str) -> str:
        """Return the stored id of `reader`: 32 hexadecimal digits, always the same with one key."""
        if self._key is None:
            return reader
        return hmac.new(self._key, reader.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    def in_frame(self, rows: pl.DataFrame, column: str = "reader") -> pl.DataFrame:
        """Return `rows` with pseudonyms in a text column, if they have it; invalid ids stay, to be rejected later.

        Compute ids of rows from their content only afterwards.
        """
        if self._key is None or column not in rows.columns:
            return rows
        readers = rows[column].drop_nulls().unique()
        hidden = pl.Series([self.of(each) if _is_valid(each) else each for each in readers], dtype=pl.String)
        return rows.with_columns(pl.col(column).replace_strict(readers, hidden, default=None))


def _is_valid(reader: str) -> bool:
    return bool(reader.strip()) and "\0" not in reader and len(reader.encode()) <= LONGEST_ID


PLAIN = Pseudonyms()
"""Pseudonyms without a key, which leave ids unchanged."""
