"""Which rows are sound. Checks are column expressions; the first that holds for a row is its reason.

Limits are generous: they keep out what a database refuses or what can only be a mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ingest.raw_batch import REJECTS, reject_rows
from recsys.domain import DAY, MINUTE, PREFERENCE_KINDS, EventKind

EARLIEST = 631_152_000_000_000
"""1990-01-01T00:00Z in microseconds: no news log is older; earlier times are wrong units or defaults."""

CLOCK_SKEW = 5 * MINUTE
LONGEST_ID = 512
LONGEST_READING = DAY // 1_000_000
MOST_CANDIDATES = 10_000
LARGEST_INTEGER = 2**31 - 1
LONGEST_TEXT: dict[str, int] = {
    "title": 10_000,
    "abstract": 100_000,
    "body": 4_000_000,
    "category": 1_000,
    "subcategory": 1_000,
    "source": 1_000,
    "author": 10_000,
    "language": 100,
    "url": 10_000,
    "access": 100,
    "session": 1_000,
    "device": 1_000,
    "model": 1_000,
}
"""Bytes of UTF-8."""

_IDS = ("id", "reader", "article", "subject", "request_id", "page")
_LISTS = ("candidates", "entities")
_Checks = Mapping[str, pl.Expr]


@dataclass(frozen=True, slots=True)
class Checked:
    """Sound rows (raw columns kept), and the rejected ones with the columns of `batch.REJECTS`."""

    good: pl.DataFrame
    rejects: pl.DataFrame


def articles(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `batch.RAW_ARTICLES`; `now` is in microseconds."""
    checks = {
        "missing_id": _blank("id"),
        "missing_title": _blank("title"),
        **_text_checks(rows),
        **_time_checks("published_at", now),
        **_integer_checks("word_count"),
    }
    return _split(rows, "articles", checks)


def events(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `batch.RAW_EVENTS`; `now` is in microseconds."""
    checks = {
        "missing_reader": _blank("reader"),
        "missing_kind": _blank("kind"),
        "unknown_kind": ~pl.col("kind").is_in(list(EventKind)),
        "missing_subject": pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("subject"),
        "missing_article": ~pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("article"),
        "missing_time": pl.col("at").is_null(),
        **_value_checks(),
        "missing_id": _blank("id"),
        **_text_checks(rows),
        **_time_checks("at", now),
        **_time_checks("known_at", now),
        "known_before_it_happened": pl.col("known_at") < pl.col("at"),
        **_integer_checks("position"),
    }
    return _split(rows, "events", checks)


def slates(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `batch.RAW_SLATES`; `now` is in microseconds."""
    count = pl.col("candidates").list.len()
    checks = {
        "missing_reader": _blank("reader"),
        "missing_time": pl.col("at").is_null(),
        "no_candidates": count.fill_null(0) == 0,
        "too_many_candidates": count > MOST_CANDIDATES,
        "missing_candidate": _any_element("candidates", pl.element().is_null() | (pl.element() == "")),
        "missing_id": _blank("id"),
        "length_mismatch": (pl.col("scores").list.len() != count) | (pl.col("propensities").list.len() != count),
        "not_finite": _any_not_finite("scores") | _any_not_finite("propensities"),
        **_text_checks(rows),
        **_time_checks("at", now),
        **_time_checks("known_at", now),
        "known_before_it_happened": pl.col("known_at") < pl.col("at"),
    }
    return _split(rows, "impressions", checks)


def _split(rows: pl.DataFrame, kind: str, checks: _Checks) -> Checked:
    if rows.is_empty():
        return Checked(rows, pl.DataFrame(schema=REJECTS))
    reasons = [pl.when(wrong).then(pl.lit(reason)) for reason, wrong in checks.items()]
    judged = rows.with_columns(pl.coalesce("problem", *reasons).alias("problem"))
    bad = judged.filter(pl.col("problem").is_not_null())
    return Checked(judged.filter(pl.col("problem").is_null()), reject_rows(bad, kind, pl.col("problem")))


def _blank(name: str) -> pl.Expr:
    return pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "")


def _any_element(name: str, wrong: pl.Expr) -> pl.Expr:
    return pl.col(name).list.eval(wrong).list.any()


def _any_not_finite(name: str) -> pl.Expr:
    return _any_element(name, pl.element().is_null() | ~pl.element().is_finite())


def _value_checks() -> _Checks:
    measured = pl.col("kind").is_in([EventKind.READ, EventKind.SCROLL])
    most = pl.when(pl.col("kind") == EventKind.READ).then(LONGEST_READING).otherwise(100)
    return {
        "missing_value": measured & pl.col("value").is_null(),
        "not_finite": ~pl.col("value").is_finite(),
        "negative_value": measured & (pl.col("value") < 0),
        "value_too_large": measured & (pl.col("value") > most),
    }


def _time_checks(name: str, now: int) -> _Checks:
    return {
        f"{name}_before_1990": pl.col(name) < EARLIEST,
        f"{name}_in_the_future": pl.col(name) > now + CLOCK_SKEW,
    }


def _integer_checks(name: str) -> _Checks:
    return {f"{name}_out_of_range": ~pl.col(name).is_between(0, LARGEST_INTEGER)}


def _text_checks(rows: pl.DataFrame) -> _Checks:
    ids = [name for name in _IDS if name in rows.columns]
    lists = [name for name in _LISTS if name in rows.columns]
    texts = [name for name in LONGEST_TEXT if name in rows.columns]
    nul = [pl.col(name).str.contains("\0", literal=True) for name in ids + texts]
    nul += [_any_element(name, pl.element().str.contains("\0", literal=True)) for name in lists]
    long_id = [pl.col(name).str.len_bytes() > LONGEST_ID for name in ids]
    long_id += [_any_element(name, pl.element().str.len_bytes() > LONGEST_ID) for name in lists]
    long_text = [pl.col(name).str.len_bytes() > LONGEST_TEXT[name] for name in texts]
    return {
        "nul_byte": pl.any_horizontal(nul),
        "id_too_long": pl.any_horizontal(long_id),
        "text_too_long": pl.any_horizontal(long_text),
    }
