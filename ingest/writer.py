"""Storing of validated rows, inside the caller's transaction, with every row counted."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from ingest import reasons
from ingest.raw_batch import REJECTS, reject_rows
from ingest.reading_dedup import drop_stored_readings
from ingest.reasons import reason
from recsys.frames import ARTICLES, EVENTS, SLATES, conform
from recsys.store import archived_copies, event_log, reader_rows
from recsys.store import articles as article_store
from recsys.store.amended_values import CONTENT_COLUMNS, MEASURED
from recsys.store.database import Connection

_OTHER_CONTENT = reason("id", reasons.OTHER_CONTENT)
_PAUSED = reason("reader", reasons.PAUSED)
_ARCHIVED = reason("at", reasons.ARCHIVED)


@dataclass(slots=True)
class Outcome:
    """Rows counted as ``kind.outcome``, and rejected rows (`raw_batch.REJECTS`).

    Rejected rows are also counted as ``kind.rejected.reason``, values that rows are stored without as
    ``kind.lost.reason``, and batches with an unused column as ``kind.unused.column``.
    """

    counts: Counter[str] = field(default_factory=Counter)
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTS))

    def add_rejects(self, rows: pl.DataFrame) -> None:
        """Add and count rejected rows."""
        self.rejects = pl.concat([self.rejects, rows])
        for kind, why, count in rows.group_by("kind", "reason").len().iter_rows():
            self.counts[f"{kind}.rejected.{why}"] += count

    def add_lost(self, values: pl.DataFrame) -> None:
        """Count values that rows are stored without (`raw_batch.LOST`)."""
        for kind, why, count in values.group_by("kind", "reason").len().iter_rows():
            self.counts[f"{kind}.lost.{why}"] += count


@dataclass(frozen=True, slots=True)
class ArchivedCopies:
    """Rows that the archive has already: `id` and `value` of events, `id` of slates."""

    events: pl.DataFrame
    slates: pl.DataFrame


def find_archived(connection: Connection, events: pl.DataFrame, slates: pl.DataFrame) -> ArchivedCopies:
    """Find the validated rows that the archive has already.

    Ask before the log is locked, since it reads files: the archived part of the log gets no rows meanwhile.

    Raises:
        ArchiveError: a file of the archive is missing or damaged.
    """
    return ArchivedCopies(
        archived_copies.archived_events(connection, events), archived_copies.archived_slates(connection, slates)
    )


def store(
    connection: Connection,
    articles: pl.DataFrame,
    events: pl.DataFrame,
    slates: pl.DataFrame,
    archived: ArchivedCopies | None = None,
) -> Outcome:
    """Store validated rows, with their raw columns. Rows that are stored already are only counted.

    Rows of the archived part of the log are rejected, but for those `archived` already.
    """
    outcome = Outcome()
    event_log.lock(connection)  # stored rows must not change between reading and writing
    upserted = article_store.upsert(connection, conform(articles, ARTICLES))
    outcome.counts["articles.stored"] = upserted.stored
    outcome.counts["articles.updated"] = upserted.updated
    outcome.counts["articles.duplicate"] = upserted.duplicate
    events_before = events.height
    events = _with_new_readings(connection, events)
    events_once = _first_of_each_id(events, "events", CONTENT_COLUMNS, outcome)
    slates_once = _first_of_each_id(slates, "impressions", event_log.SLATE_CONTENT, outcome)
    outcome.counts["events.duplicate"] += events_before - events.height
    _append(connection, events_once, slates_once, archived, outcome)
    _count_unknown(connection, events_once, slates_once, outcome)
    return outcome


def _with_new_readings(connection: Connection, events: pl.DataFrame) -> pl.DataFrame:
    readers = events.filter(pl.col("opened").is_not_null())["reader"].unique()
    if readers.is_empty():
        return events
    return drop_stored_readings(events, reader_rows.clicks_of_readers(connection, readers.to_list()))


def _first_of_each_id(rows: pl.DataFrame, kind: str, content: tuple[str, ...], outcome: Outcome) -> pl.DataFrame:
    """Return the first row of each id, and the rows that amend it; reject those that differ otherwise."""
    first = rows.unique("id", keep="first", maintain_order=True)
    if first.height == rows.height:
        return rows
    equal = {name: pl.col(name).eq_missing(pl.col(name).first().over("id")) for name in content}
    differs = ~pl.all_horizontal(equal.values())
    others = rows.filter(differs)
    amends = pl.lit(False)
    if kind == "events":  # the log decides whether a value is larger than the stored one
        same_event = pl.all_horizontal(equal[name] for name in content if name != "value")
        amends = same_event & pl.col("kind").is_in([measured.value for measured in MEASURED])
    amendments = rows.filter(differs & amends)
    rejected = rows.filter(differs & ~amends)
    outcome.counts[f"{kind}.duplicate"] += rows.height - first.height - others.height
    outcome.add_rejects(reject_rows(rejected, kind, pl.lit(_OTHER_CONTENT)))
    return pl.concat([first, amendments])


def _append(
    connection: Connection,
    events: pl.DataFrame,
    slates: pl.DataFrame,
    archived: ArchivedCopies | None,
    outcome: Outcome,
) -> None:
    done = event_log.append_frames(connection, conform(events, EVENTS), conform(slates, SLATES))
    events_closed, slates_closed = done.events_closed, done.slates_closed
    if archived is not None:
        events_closed = events_closed.join(archived.events, on=["id", "value"], how="anti", nulls_equal=True)
        slates_closed = slates_closed.join(archived.slates, on="id", how="anti")
    outcome.counts["events.duplicate"] += done.events_closed.height - events_closed.height
    outcome.counts["impressions.duplicate"] += done.slates_closed.height - slates_closed.height
    outcome.counts["events.stored"] += done.events_stored
    outcome.counts["events.duplicate"] += done.events_duplicate
    outcome.counts["impressions.stored"] += done.slates_stored
    outcome.counts["impressions.duplicate"] += done.slates_duplicate
    for rows, kind, refused, columns, why in (
        # an amendment has the id of another row
        (events, "events", done.event_conflicts, ["id", "value"], _OTHER_CONTENT),
        (slates, "impressions", done.slate_conflicts, ["id"], _OTHER_CONTENT),
        (events, "events", done.events_paused, ["id", "value"], _PAUSED),
        (slates, "impressions", done.slates_paused, ["id"], _PAUSED),
        (events, "events", events_closed, ["id", "value"], _ARCHIVED),
        (slates, "impressions", slates_closed, ["id"], _ARCHIVED),
    ):
        named = rows.join(refused.select(columns), on=columns, how="semi", nulls_equal=True)
        outcome.add_rejects(reject_rows(named, kind, pl.lit(why)))


def _count_unknown(connection: Connection, events: pl.DataFrame, slates: pl.DataFrame, outcome: Outcome) -> None:
    """Count rows with an article that is not stored: they are stored, because the article may come later."""
    about = events.select("id", "article").drop_nulls()
    shown = slates.select("id", article="candidates").explode("article")
    named = pl.concat([about, shown]).select(pl.col("article").unique())
    known = list(article_store.known_ids(connection, named["article"].to_list()))
    unknown = named.filter(~pl.col("article").is_in(known))
    for kind, rows in (("events", about), ("impressions", shown)):
        count = rows.join(unknown, on="article", how="semi")["id"].n_unique()
        outcome.counts[f"{kind}.unknown_article"] += count
