"""Ids for rows that bring none: a hash of their content, so that storing twice stores once."""

import hashlib
from collections.abc import Sequence

import polars as pl

# Listed here, not derived from the records: a field more, or another order, would give stored rows new ids. A new
# field belongs here only if rows that differ in nothing else are different rows.
_EVENT_FIELDS = (
    "reader", "kind", "article", "subject", "value", "at", "request_id", "position", "session", "device",
)  # fmt: skip
_SLATE_FIELDS = ("reader", "at", "candidates", "page", "model", "session", "device")
_SEPARATOR = "\x1f"
_ABSENT = "\x00"  # validation refuses it in text, so that null and "" differ


def with_event_ids(events: pl.DataFrame) -> pl.DataFrame:
    """Fill null `id` with 32 hex digits: BLAKE2b (RFC 7693) of 128 bits over what the event says."""
    return _filled(events, _EVENT_FIELDS)


def with_slate_ids(slates: pl.DataFrame) -> pl.DataFrame:
    """Fill null `id` likewise, over reader, time and candidates in their order."""
    return _filled(slates, _SLATE_FIELDS)


def digests(rows: pl.DataFrame, fields: Sequence[str], size: int = 16) -> pl.Series:
    """One hash a row, of `size` bytes in hex, over `fields` as text."""
    texts = rows.select(pl.concat_str([_text(rows, name) for name in fields], separator=_SEPARATOR)).to_series()
    hashes = [hashlib.blake2b(text.encode(), digest_size=size).hexdigest() for text in texts.to_list()]
    return pl.Series("id", hashes, dtype=pl.String)


def _text(rows: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(rows.schema[name], pl.List):
        return column.list.eval(pl.element().fill_null(_ABSENT)).list.join("\x1e").fill_null(_ABSENT)
    return column.cast(pl.String).fill_null(_ABSENT)


def _filled(rows: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    if not rows["id"].null_count():
        return rows
    return rows.with_columns(pl.coalesce("id", digests(rows, fields)))
