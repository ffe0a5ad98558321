"""Rows that arrive one request or message at a time: the checks and the store of files, with times of receipt."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import polars as pl

from ingest import generic_schema, validate, writer
from ingest.event_rows import NO_OBJECT, CheckedEvents, Rejected
from ingest.generic_schema import DEFAULT, RawRows, Reading
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_ARTICLES, RAW_EVENTS, RAW_SLATES
from ingest.reasons import ARCHIVED, OTHER_CONTENT, PAUSED, Problem, fix_of
from ingest.writer import Outcome
from recsys.domain import Event
from recsys.frames import empty
from recsys.serving.clock import Clock
from recsys.store import articles as article_store
from recsys.store import event_log
from recsys.store.amended_values import RowOutcome
from recsys.store.database import Connection, Database

_REFUSALS: Mapping[RowOutcome, Callable[[Event], Problem]] = {
    RowOutcome.CONFLICT: lambda event: Problem.of("id", OTHER_CONTENT, event.id),
    RowOutcome.PAUSED: lambda _: Problem.of("reader", PAUSED),
    RowOutcome.CLOSED: lambda event: Problem.of("at", ARCHIVED, event.at),
}
"""Problems of events that the log does not take."""


@dataclass(frozen=True, slots=True)
class Received:
    """Outcome of a request's rows; accepted + duplicates + rejected = rows sent.

    An accepted article is new or changed; a duplicate one is stored already with the same content. lost: values of
    optional fields that were left out of stored rows. articles: those that valid events are about.
    """

    accepted: int
    duplicates: int
    rejected: list[Rejected]
    lost: list[Rejected]
    articles: Sequence[str] = field(default=(), compare=False)


def received_events(checked: CheckedEvents, outcomes: Sequence[RowOutcome]) -> Received:
    """Return the outcome of the rows of a request, of which `outcomes` are those of the valid events."""
    refused = [
        Rejected(index, _REFUSALS[outcome](event))
        for event, index, outcome in zip(checked.events, checked.indices, outcomes, strict=True)
        if outcome in _REFUSALS
    ]
    return Received(
        accepted=outcomes.count(RowOutcome.STORED),
        duplicates=outcomes.count(RowOutcome.DUPLICATE),
        rejected=sorted([*checked.rejected, *refused], key=lambda row: row.index),
        lost=checked.lost,
        articles=[event.article for event in checked.events if event.article is not None],
    )


def store_articles(database: Database, rows: Sequence[object], received_at: int) -> Received:
    """Store articles with the fields of the generic formats; the newest content of an id counts.

    A new article without `published_at` gets the time of receipt, because undated articles are not retrieved. A
    stored one keeps its date.

    Raises:
        StoreError: the database cannot be reached.
    """
    raw, no_objects = _raw(rows, "articles", DEFAULT)
    checked = validate.articles(raw.rows, received_at)
    with database.write() as connection:
        dated = with_dates(connection, checked.good, received_at)
        outcome = writer.store(connection, dated, empty(RAW_EVENTS), empty(RAW_SLATES))
    return _received(outcome, "articles", no_objects, (checked.rejects, raw.lost))


def store_impressions(
    database: Database, rows: Sequence[object], clock: Clock, pseudonyms: Pseudonyms = PLAIN
) -> Received:
    """Append impressions with the fields of the generic formats, each once; `clock` gives the times of receipt.

    `at` defaults to the time of receipt and is never later. A `known_at` that a row has does not count: here the
    row is known from now on.

    Raises:
        StoreError: the database cannot be reached.
    """
    raw, no_objects = _raw(rows, "impressions", Reading(pseudonyms))
    received_at = clock.next()
    now = pl.lit(received_at)
    timed = raw.rows.with_columns(at=pl.col("at").fill_null(now), known_at=pl.max_horizontal("at", now))
    checked = validate.slates(timed, received_at)
    slates = checked.good.with_columns(at=pl.min_horizontal("at", now))
    with ExitStack() as until_committed, database.write() as connection:
        end = event_log.lock(connection)
        first = until_committed.enter_context(clock.stamping(slates.height, end.last_known_at))
        stamped = slates.with_columns(known_at=first + pl.int_range(pl.len(), dtype=pl.Int64))
        outcome = writer.store(connection, empty(RAW_ARTICLES), empty(RAW_EVENTS), stamped)
    return _received(outcome, "impressions", no_objects, (checked.rejects, raw.lost))


def with_dates(connection: Connection, articles: pl.DataFrame, received_at: int) -> pl.DataFrame:
    """Fill in `published_at`: the stored one, or `received_at` (microseconds) for new articles."""
    event_log.lock(connection)  # stored articles must not change between reading and writing
    stored = article_store.get(connection, articles["id"].unique().to_list(), with_withdrawn=True)
    stored = stored.select("id", stored_date="published_at")
    known = articles.join(stored.with_columns(known=True), on="id", how="left", maintain_order="left")
    default = pl.when(pl.col("known")).then(pl.col("stored_date")).otherwise(received_at)
    dated = known.with_columns(pl.coalesce("published_at", default).alias("published_at"))
    return dated.drop("stored_date", "known")


def _raw(rows: Sequence[object], kind: str, reading: Reading) -> tuple[RawRows, list[Rejected]]:
    """Return the objects among `rows` as raw rows, and the others as rejected."""
    objects = [(index, row) for index, row in enumerate(rows) if isinstance(row, Mapping)]
    places = _places([index for index, _ in objects])
    raw = generic_schema.from_rows([row for _, row in objects], places, kind, reading)
    return raw, [Rejected(i, NO_OBJECT) for i, row in enumerate(rows) if not isinstance(row, Mapping)]


def _places(rows: Sequence[int]) -> pl.DataFrame:
    places = pl.DataFrame({"row": rows}, schema={"row": pl.Int64})
    return places.with_columns(file=pl.lit("request"), raw=pl.lit(None, dtype=pl.String))


def _received(
    outcome: Outcome, kind: str, no_objects: list[Rejected], problems: tuple[pl.DataFrame, pl.DataFrame]
) -> Received:
    """Return the outcome of rows of `kind`. problems: rejected rows, and values that were left out."""
    rejects, lost = problems
    return Received(
        accepted=outcome.counts[f"{kind}.stored"] + outcome.counts[f"{kind}.updated"],
        duplicates=outcome.counts[f"{kind}.duplicate"],
        rejected=sorted(
            [*no_objects, *_of_frame(rejects), *_of_frame(outcome.rejects)], key=lambda row: row.index
        ),
        lost=_of_frame(lost),
    )


def _of_frame(problems: pl.DataFrame) -> list[Rejected]:
    rows = problems.select("row", "reason", "value").iter_rows()
    return [Rejected(index, Problem(reason_, value or "", fix_of(reason_))) for index, reason_, value in rows]
