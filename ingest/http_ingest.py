"""Ingest by HTTP: the same checks and the same store as for files, with the time of receipt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ingest import generic_schema, validate, writer
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_ARTICLES, RAW_EVENTS, RAW_SLATES
from ingest.writer import Outcome
from recsys.frames import empty
from recsys.store import articles as article_store
from recsys.store import event_log
from recsys.store.database import Connection, Database

KnownAt = Callable[[int], int]
"""Function that reserves n receipt times, a microsecond apart, and returns the first, in microseconds."""

_Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected row: its `index` in the request (from 0), and the reason."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """Outcome of a request's rows; accepted + duplicates + rejected = rows sent.

    An accepted article is new or changed; a duplicate one is stored already with the same content.
    """

    accepted: int
    duplicates: int
    rejected: list[Rejected]


def store_events(
    database: Database,
    rows: Sequence[object],
    received_at: int,
    next_known_at: KnownAt,
    pseudonyms: Pseudonyms = PLAIN,
) -> Received:
    """Store events with the fields of the generic formats.

    `at` defaults to `received_at` (microseconds) and is never later. `known_at` is given by `next_known_at` under
    the append lock, and is later than all rows of the log, so that the log is in order of receipt. `pseudonyms`
    replaces reader ids.

    Raises:
        StoreError: the database is unavailable.
    """
    objects = [(index, _stamped(row, received_at)) for index, row in enumerate(rows) if isinstance(row, Mapping)]
    checked = validate.events(_raw(objects, "events", pseudonyms), received_at)
    good = checked.good.with_columns(at=pl.min_horizontal("at", pl.lit(received_at)))
    with database.write() as connection:
        outcome = _append(connection, good, next_known_at)
    return _received(outcome, "events", rows, checked.rejects)


def store_articles(database: Database, rows: Sequence[object], received_at: int) -> Received:
    """Store articles with the fields of the generic formats; the newest content of an id counts.

    A new article without `published_at` gets the time of receipt, because undated articles are not retrieved. A
    stored one keeps its date.

    Raises:
        StoreError: the database cannot be reached.
    """
    objects = [(index, row) for index, row in enumerate(rows) if isinstance(row, Mapping)]
    checked = validate.articles(_raw(objects, "articles"), received_at)
    with database.write() as connection:
        dated = _dated(connection, checked.good, received_at)
        outcome = writer.store(connection, dated, empty(RAW_EVENTS), empty(RAW_SLATES))
    return _received(outcome, "articles", rows, checked.rejects)


def _dated(connection: Connection, articles: pl.DataFrame, received_at: int) -> pl.DataFrame:
    event_log.lock(connection)  # stored articles must not change between reading and writing
    stored = article_store.get(connection, articles["id"].unique().to_list(), with_withdrawn=True)
    stored = stored.select("id", stored_date="published_at")
    known = articles.join(stored.with_columns(known=True), on="id", how="left", maintain_order="left")
    default = pl.when(pl.col("known")).then(pl.col("stored_date")).otherwise(received_at)
    dated = known.with_columns(pl.coalesce("published_at", default).alias("published_at"))
    return dated.drop("stored_date", "known")


def _stamped(row: _Row, received_at: int) -> _Row:
    at = row.get("at")
    return {**row, "at": received_at if at is None else at, "known_at": None}


def _raw(objects: Sequence[tuple[int, _Row]], kind: str, pseudonyms: Pseudonyms = PLAIN) -> pl.DataFrame:
    places = pl.DataFrame({"row": [index for index, _ in objects]}, schema={"row": pl.Int64})
    places = places.with_columns(file=pl.lit("request"), raw=pl.lit(None, dtype=pl.String))
    return generic_schema.from_rows([row for _, row in objects], places, kind, pseudonyms)


def _append(connection: Connection, events: pl.DataFrame, next_known_at: KnownAt) -> Outcome:
    end = event_log.lock(connection)
    first = max(next_known_at(events.height), end.last_known_at + 1)
    stamps = pl.int_range(first, first + events.height, dtype=pl.Int64, eager=True)
    return writer.store(connection, empty(RAW_ARTICLES), events.with_columns(known_at=stamps), empty(RAW_SLATES))


def _received(outcome: Outcome, kind: str, rows: Sequence[object], rejects: pl.DataFrame) -> Received:
    no_objects = [Rejected(i, "not_an_object") for i, row in enumerate(rows) if not isinstance(row, Mapping)]
    invalid = pl.concat([rejects, outcome.rejects]).select("row", "reason").iter_rows()
    rejected = no_objects + [Rejected(index, reason) for index, reason in invalid]
    return Received(
        accepted=outcome.counts[f"{kind}.stored"] + outcome.counts[f"{kind}.updated"],
        duplicates=outcome.counts[f"{kind}.duplicate"],
        rejected=sorted(rejected, key=lambda each: each.index),
    )
