"""The questions of a replay: what was asked of whom when, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.labels import grading
from recsys.projection.log_follower import Replay
from recsys.ranking.query import Candidates, Query
from recsys.store import event_log_reader
from recsys.store.database import Connection
from recsys.store.event_log_reader import EVENT_COLUMNS, SLATE_COLUMNS


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """One logged slate: the request it answered, and what came of it.

    labels: graded [n]; seconds: how long what was opened was read, NaN where that is not known [n]; positions: if
    it has an order [n].
    """

    request: RankRequest
    labels: NDArray[np.int8]
    seconds: NDArray[np.float64]
    positions: NDArray[np.float64] | None


def load_labelled_requests(
    connection: Connection, start: int, end: int, articles: pl.DataFrame, until: int
) -> pl.DataFrame:
    """Slates with start ≤ at < end in order of time, with what was known of their outcome before `until`.

    Columns are those of `store.event_log_reader.SLATE_COLUMNS`, with `candidates` as a list, and those of `labels.grade`.
    """
    events, slates = [pl.DataFrame(schema=EVENT_COLUMNS)], []
    # readings from before tell the habits by which later ones are judged: labels do not hang on where one starts
    counts = (pl.col("kind") == "read") | ((pl.col("kind") != "impression") & (pl.col("known_at") >= start))
    for chunk in event_log_reader.stream(connection, until=until):
        events.append(chunk.events.filter(counts))
        slates.append(chunk.slates.filter((pl.col("at") >= start) & (pl.col("at") < end)))
    shown = pl.concat(slates) if slates else _no_slates()
    graded = grading.grade(shown, pl.concat(events), articles.select("id", "word_count"), until)
    return shown.join(graded, on="id", how="inner").sort("at", "id")


def replay_requests(
    engine: FeedEngine, log: Replay, labelled_requests: pl.DataFrame, with_positions: bool = False
) -> Iterator[tuple[LabelledRequest, Query, Candidates]]:
    """Fold the log and put each question to the engine at its time; the engine must share the replay's state.

    `with_positions` is for training alone: a feed that is asked for has no places yet.
    """
    for row in labelled_requests.iter_rows(named=True):
        question = _question(row)
        log.advance(question.request.as_of)
        yield question, *engine.prepare(question.request, question.positions if with_positions else None)


def _question(row: dict[str, object]) -> LabelledRequest:
    candidates: list[str] = row["candidates"]  # type: ignore[assignment]
    request = RankRequest(
        request_id=str(row["id"]),
        as_of=int(row["at"]),  # type: ignore[call-overload]
        candidates=tuple(candidates),
        reader=str(row["reader"]),
        device=row["device"],  # type: ignore[arg-type]
        page=row["page"],  # type: ignore[arg-type]
    )
    place = np.arange(len(candidates), dtype=np.float64)
    positions = place if row["ordered"] else np.full(len(candidates), np.nan)
    seconds = np.asarray(row["seconds"], dtype=np.float64)
    return LabelledRequest(request, np.asarray(row["labels"], dtype=np.int8), seconds, positions)


def _no_slates() -> pl.DataFrame:
    return pl.DataFrame(schema={**SLATE_COLUMNS, "candidates": pl.List(pl.String)})
