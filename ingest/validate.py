"""Validation of rows: checks are column expressions; the first that holds for a row is its reject reason.

Limits are generous: they keep out what a database refuses or what can only be a mistake.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ingest.raw_batch import REJECTS, reject_rows
from recsys.domain import DAY, MINUTE, PREFERENCE_KINDS, Article, Event, EventKind, Slate
from recsys.records import ID_BYTES, Field, FieldType, fields_of

EARLIEST = 631_152_000_000_000
"""1990-01-01T00:00Z in microseconds: no news log is older; earlier times are wrong units or defaults."""

LATEST = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds: ISO 8601 writes no later time with four digits."""

CLOCK_SKEW = 5 * MINUTE
LONGEST_ID = ID_BYTES
LONGEST_READING = DAY // 1_000_000
MOST_CANDIDATES = 10_000
LARGEST_INTEGER = 2**31 - 1

_Checks = Mapping[str, pl.Expr]


@dataclass(frozen=True, slots=True)
class Checked:
    """Valid rows (with their raw columns), and the rejected ones with the columns of `raw_batch.REJECTS`."""

    good: pl.DataFrame
    rejects: pl.DataFrame


def articles(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `raw_batch.RAW_ARTICLES`; `now` is in microseconds."""
    checks = {
        "missing_id": _blank("id"),
        "missing_title": _blank("title"),
        **_field_checks(Article, now),
    }
    return _split(rows, "articles", checks)


def events(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `raw_batch.RAW_EVENTS`; `now` is in microseconds."""
    checks = {
        "missing_reader": _blank("reader"),
        "missing_kind": _blank("kind"),
        "unknown_kind": ~pl.col("kind").is_in(list(EventKind)),
        "missing_subject": pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("subject"),
        "missing_article": ~pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("article"),
        "missing_time": pl.col("at").is_null(),
        **_value_checks(),
        "missing_id": _blank("id"),
        **_field_checks(Event, now),
        "known_before_it_happened": pl.col("known_at") < pl.col("at"),
    }
    return _split(rows, "events", checks)


def slates(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `raw_batch.RAW_SLATES`; `now` is in microseconds."""
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
        **_field_checks(Slate, now),
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


def _field_checks(record: type, now: int) -> _Checks:
    """Return the checks that follow from the declaration of a record: texts, then times, then integers."""
    fields = fields_of(record)
    checks = dict(_text_checks([field for field in fields if field.most_bytes is not None]))
    for field in fields:
        if field.type is FieldType.TIME:
            checks |= _time_checks(field, now)
    for field in fields:
        if field.type is FieldType.INTEGER:
            checks[f"{field.name}_out_of_range"] = ~pl.col(field.name).is_between(0, LARGEST_INTEGER)
    return checks


def _time_checks(field: Field, now: int) -> _Checks:
    time = pl.col(field.name)
    too_late = (
        {f"{field.name}_after_9999": time > LATEST}
        if field.future
        else {f"{field.name}_in_the_future": time > now + CLOCK_SKEW}
    )
    return {f"{field.name}_before_1990": time < EARLIEST, **too_late}


def _text_checks(fields: Sequence[Field]) -> _Checks:
    """Return the checks of texts with a maximal length."""
    long = {field: _any_text(field, _longer_than(field.most_bytes or 0)) for field in fields}
    return {
        "nul_byte": pl.any_horizontal(_any_text(field, _has_nul) for field in fields),
        "id_too_long": pl.any_horizontal(wrong for field, wrong in long.items() if field.is_id),
        "text_too_long": pl.any_horizontal(wrong for field, wrong in long.items() if not field.is_id),
    }


def _any_text(field: Field, wrong: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Return `wrong` for the text, or for any element of a list of texts."""
    return _any_element(field.name, wrong(pl.element())) if field.is_list else wrong(pl.col(field.name))


def _has_nul(text: pl.Expr) -> pl.Expr:
    return text.str.contains("\0", literal=True)


def _longer_than(most: int) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.len_bytes() > most
