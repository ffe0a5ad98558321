"""Validation of rows of files: checks are column expressions; the first that holds is the reject reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ingest import reasons
from ingest.limits import CLOCK_SKEW, EARLIEST, LARGEST_INTEGER, LATEST, LONGEST_READING, MOST_CANDIDATES
from ingest.markup import cleaned
from ingest.raw_batch import REJECTS, reject_rows
from ingest.reasons import SHOWN_CHARS, reason
from recsys.domain import PREFERENCE_KINDS, Article, Event, EventKind, Slate
from recsys.records import Field, FieldType, fields_of

_NUMBERS = ("scores", "propensities")
_Checks = Mapping[str, pl.Expr]
"""Reason → expression that is true for rows with this problem."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Valid rows (with their raw columns), and the rejected ones with the columns of `raw_batch.REJECTS`."""

    good: pl.DataFrame
    rejects: pl.DataFrame


def articles(rows: pl.DataFrame, now: int) -> Checked:
    """Clean and check rows with the columns of `raw_batch.RAW_ARTICLES`; `now` is in microseconds."""
    checks = {
        reason("id", reasons.MISSING): _blank("id"),
        reason("title", reasons.MISSING): _blank("title"),
        **_field_checks(Article, now),
    }
    return _split(cleaned(rows), "articles", checks)


def events(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `raw_batch.RAW_EVENTS`; `now` is in microseconds."""
    checks = {
        reason("reader", reasons.MISSING): _blank("reader"),
        reason("kind", reasons.MISSING): _blank("kind"),
        reason("kind", reasons.UNKNOWN_KIND): ~pl.col("kind").is_in(list(EventKind)),
        reason("subject", reasons.MISSING): pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("subject"),
        reason("article", reasons.MISSING): ~pl.col("kind").is_in(list(PREFERENCE_KINDS)) & _blank("article"),
        reason("at", reasons.MISSING): pl.col("at").is_null(),
        **_value_checks(),
        reason("id", reasons.MISSING): _blank("id"),
        **_field_checks(Event, now),
        reason("known_at", reasons.BEFORE_AT): pl.col("known_at") < pl.col("at"),
    }
    return _split(rows, "events", checks)


def slates(rows: pl.DataFrame, now: int) -> Checked:
    """Check rows with the columns of `raw_batch.RAW_SLATES`; `now` is in microseconds."""
    count = pl.col("candidates").list.len()
    checks = {
        reason("reader", reasons.MISSING): _blank("reader"),
        reason("at", reasons.MISSING): pl.col("at").is_null(),
        reason("candidates", reasons.NO_CANDIDATES): count.fill_null(0) == 0,
        reason("candidates", reasons.TOO_MANY): count > MOST_CANDIDATES,
        reason("candidates", reasons.GAP): _any_element(
            "candidates", pl.element().is_null() | (pl.element() == "")
        ),
        reason("id", reasons.MISSING): _blank("id"),
        **{reason(name, reasons.OTHER_LENGTH): pl.col(name).list.len() != count for name in _NUMBERS},
        **{reason(name, reasons.NOT_FINITE): _any_not_finite(name) for name in _NUMBERS},
        **_field_checks(Slate, now),
        reason("known_at", reasons.BEFORE_AT): pl.col("known_at") < pl.col("at"),
    }
    return _split(rows, "impressions", checks)


def _split(rows: pl.DataFrame, kind: str, checks: _Checks) -> Checked:
    if rows.is_empty():
        return Checked(rows, pl.DataFrame(schema=REJECTS))
    found = [pl.when(wrong).then(pl.lit(name)) for name, wrong in checks.items()]
    judged = rows.with_columns(pl.coalesce("problem", *found).alias("problem"))
    is_bad = judged["problem"].is_not_null()
    bad = judged.filter(is_bad)
    if not bad.is_empty():
        bad = bad.with_columns(_value_at_fault(bad))
    return Checked(judged.filter(~is_bad), reject_rows(bad, kind, pl.col("problem")))


def _value_at_fault(bad: pl.DataFrame) -> pl.Expr:
    """Return the value of the field that the problem of each row names, as text."""
    names = {problem.partition(":")[0] for problem in bad["problem"].unique()} & set(bad.columns)
    texts = {name: _as_text(bad.schema[name], name) for name in sorted(names)}
    values = [pl.when(pl.col("problem").str.starts_with(f"{name}:")).then(text) for name, text in texts.items()]
    return pl.coalesce("given", *values).alias("given")


def _as_text(kind: pl.DataType, name: str) -> pl.Expr:
    column = pl.col(name)
    is_list = isinstance(kind, pl.List)
    text = column.list.eval(pl.element().cast(pl.String)).list.join("|") if is_list else column.cast(pl.String)
    return text.str.slice(0, SHOWN_CHARS)


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
        reason("value", reasons.MISSING): measured & pl.col("value").is_null(),
        reason("value", reasons.NOT_FINITE): ~pl.col("value").is_finite(),
        reason("value", reasons.NEGATIVE): pl.col("value") < 0,
        reason("value", reasons.TOO_LARGE): measured & (pl.col("value") > most),
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
            checks[reason(field.name, reasons.OUT_OF_RANGE)] = ~pl.col(field.name).is_between(0, LARGEST_INTEGER)
    return checks


def _time_checks(field: Field, now: int) -> _Checks:
    time = pl.col(field.name)
    too_late = (
        {reason(field.name, reasons.TOO_LATE): time > LATEST}
        if field.future
        else {reason(field.name, reasons.IN_FUTURE): time > now + CLOCK_SKEW}
    )
    return {reason(field.name, reasons.TOO_EARLY): time < EARLIEST, **too_late}


def _text_checks(fields: Sequence[Field]) -> _Checks:
    """Return the checks of texts with a maximal length."""
    nul = {reason(field.name, reasons.NUL): _any_text(field, _has_nul) for field in fields}
    long = {
        reason(field.name, reasons.too_long(field.most_bytes or 0)): _any_text(
            field, _longer_than(field.most_bytes or 0)
        )
        for field in fields
    }
    return nul | long


def _any_text(field: Field, wrong: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Return `wrong` for the text, or for any element of a list of texts."""
    return _any_element(field.name, wrong(pl.element())) if field.is_list else wrong(pl.col(field.name))


def _has_nul(text: pl.Expr) -> pl.Expr:
    return text.str.contains("\0", literal=True)


def _longer_than(most: int) -> Callable[[pl.Expr], pl.Expr]:
    return lambda text: text.str.len_bytes() > most
