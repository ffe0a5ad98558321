"""Labelled requests: logged slates with graded labels, replayed as requests."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.labels import grading
from recsys.labels.sampled_slates import Sampling, sampled_slates
from recsys.labels.seen import seen
from recsys.projection.log_replay import Replay
from recsys.ranking.query import Candidates, Query
from recsys.store import event_log_reader
from recsys.store.database import Connection
from recsys.store.event_log_reader import EVENT_COLUMNS, SLATE_COLUMNS
from recsys.store.made_slates import made_slates

_ACTION_COLUMNS = {name: EVENT_COLUMNS[name] for name in ("reader", "at")}


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """Logged slate as a request, with its outcome.

    labels: graded [n]; seconds: reading time of each opened article, NaN where unknown [n]; positions: of the
    candidates, NaN if the slate has no order [n].
    """

    request: RankRequest
    labels: NDArray[np.int8]
    seconds: NDArray[np.float64]
    positions: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class LabelledRequests:
    """Slates of a period with their outcomes.

    frame: the slates that somebody can have seen (`labels.seen`), sorted by time, with the columns of
    `store.event_log_reader.SLATE_COLUMNS`, with `candidates` as a list, and of `labels.grading`. unseen: number of
    slates that were left out. sampled: True if the slates are clicks with sampled negatives.
    """

    frame: pl.DataFrame
    unseen: int = 0
    sampled: bool = False


def load_labelled_requests(
    connection: Connection, start: int, end: int, articles: pl.DataFrame, until: int
) -> pl.DataFrame:
    """Return only the frame of `load_requests`."""
    return load_requests(connection, start, end, articles, until).frame


def load_requests(
    connection: Connection, start: int, end: int, articles: pl.DataFrame, until: int
) -> LabelledRequests:
    """Return slates with start ≤ at < end, with their outcomes known before `until`."""
    made = made_slates(connection, start, end, until)
    events, slates, actions = [pl.DataFrame(schema=EVENT_COLUMNS)], [], [pl.DataFrame(schema=_ACTION_COLUMNS)]
    # earlier readings give the habits for grading later ones: labels must not depend on the start of the window
    needed = (pl.col("kind") == "read") | ((pl.col("kind") != "impression") & (pl.col("known_at") >= start))
    for chunk in event_log_reader.stream(connection, until=until):
        events.append(chunk.events.filter(needed))
        slates.append(chunk.slates.filter((pl.col("at") >= start) & (pl.col("at") < end)))
        if made.height:  # only they need it
            actions.append(chunk.events.select(*_ACTION_COLUMNS).filter(pl.col("at") >= start))
    logged = pl.concat(slates) if slates else _no_slates()
    shown = logged.filter(seen(logged, made, pl.concat(actions))) if made.height else logged
    graded = grading.grade(shown, pl.concat(events), articles.select("id", "word_count"), until)
    frame = shown.join(graded, on="id", how="inner").sort("at", "id")
    return LabelledRequests(frame, logged.height - shown.height)


def load_sampled_requests(
    connection: Connection, start: int, end: int, articles: pl.DataFrame, until: int, sampling: Sampling
) -> LabelledRequests:
    """Return slates with sampled negatives for the clicks with start ≤ at < end, known before `until`."""
    chunks = event_log_reader.stream(connection, until=until)
    events = pl.concat([pl.DataFrame(schema=EVENT_COLUMNS), *(chunk.events for chunk in chunks)])
    clicks = events.filter((pl.col("kind") == "click") & pl.col("article").is_not_null())
    made = sampled_slates(clicks, articles, sampling).filter((pl.col("at") >= start) & (pl.col("at") < end))
    missing = (
        pl.lit(False if name == "ordered" else None, dtype=kind).alias(name)
        for name, kind in SLATE_COLUMNS.items()
        if name not in made.columns and name != "known_at"
    )
    slates = made.with_columns(pl.col("at").alias("known_at"), *missing).select(*SLATE_COLUMNS)
    graded = grading.grade(slates, events, articles.select("id", "word_count"), until)
    return LabelledRequests(slates.join(graded, on="id", how="inner").sort("at", "id"), sampled=True)


def replay_requests(
    engine: FeedEngine, log: Replay, labelled_requests: pl.DataFrame, with_positions: bool = False
) -> Iterator[tuple[LabelledRequest, Query, Candidates]]:
    """Fold the log, and prepare each request at its time; the engine must share the replay's state.

    `with_positions` is for training only: a feed request has no positions yet.
    """
    for row in labelled_requests.iter_rows(named=True):
        labelled_request = _labelled_request(row)
        log.advance(labelled_request.request.as_of)
        yield (
            labelled_request,
            *engine.prepare(labelled_request.request, labelled_request.positions if with_positions else None),
        )


def _labelled_request(row: dict[str, object]) -> LabelledRequest:
    candidates: list[str] = row["candidates"]  # type: ignore[assignment]
    request = RankRequest(
        request_id=str(row["id"]),
        as_of=int(row["at"]),  # type: ignore[call-overload]
        candidates=tuple(candidates),
        reader=str(row["reader"]),
        device=row["device"],  # type: ignore[arg-type]
        page=row["page"],  # type: ignore[arg-type]
    )
    position = np.arange(len(candidates), dtype=np.float64)
    positions = position if row["ordered"] else np.full(len(candidates), np.nan)
    seconds = np.asarray(row["seconds"], dtype=np.float64)
    return LabelledRequest(request, np.asarray(row["labels"], dtype=np.int8), seconds, positions)


def _no_slates() -> pl.DataFrame:
    return pl.DataFrame(schema={**SLATE_COLUMNS, "candidates": pl.List(pl.String)})
