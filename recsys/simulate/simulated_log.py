"""Frames of a simulated history, as an importer would load them, and the log of a world in a database."""

from typing import Protocol

import numpy as np
import polars as pl

from recsys.frames import EVENTS, SLATES, conform
from recsys.simulate.behaviour import REACTION_PAUSE
from recsys.simulate.history import History
from recsys.simulate.newsroom import Bools, Floats, Ints, Newsroom
from recsys.simulate.readers import Readers
from recsys.store import articles, event_log
from recsys.store.database import Database


class SimulatedLog(Protocol):
    """Frames of a world, a newsroom or a social network; columns of `frames.ARTICLES`, `EVENTS` and `SLATES`."""

    @property
    def articles(self) -> pl.DataFrame:
        """Articles."""

    @property
    def events(self) -> pl.DataFrame:
        """Events."""

    @property
    def slates(self) -> pl.DataFrame:
        """Impressions."""


def store_log(database: Database, log: SimulatedLog) -> event_log.Appended:
    """Write the articles and the log of a world."""
    with database.write() as connection:
        articles.upsert(connection, log.articles)
        return event_log.append_frames(connection, log.events, log.slates)


def slates_frame(history: History, readers: Readers, newsroom: Newsroom) -> pl.DataFrame:
    """Return slates in display order with the propensities of the logging policy; columns of `frames.SLATES`."""
    count = len(history.at)
    shown = history.shown.article >= 0
    slate = np.nonzero(shown)[0]
    lists = (
        pl.DataFrame(
            {
                "slate": slate,
                "candidates": pl.Series(newsroom.ids[history.shown.article[shown]], dtype=pl.String),
                "scores": history.shown.score[shown],
                "propensities": history.shown.propensity[shown],
            }
        )
        .group_by("slate", maintain_order=True)
        .agg("candidates", "scores", "propensities")
        .drop("slate")
    )
    plain = _common(history, readers, np.arange(count)).with_columns(
        id=pl.col("request_id"),
        at=pl.Series(history.at, dtype=pl.Int64),
        known_at=pl.Series(history.at, dtype=pl.Int64),
        ordered=pl.lit(True),
        model=pl.lit(None, dtype=pl.String),  # no model of Attune made them, and all were seen
    )
    return conform(pl.concat([plain, lists], how="horizontal"), SLATES)


def events_frame(
    history: History, readers: Readers, newsroom: Newsroom, reactions: dict[str, Bools]
) -> pl.DataFrame:
    """Return clicks, and the events at the end of each reading, sorted by `known_at`.

    Columns of `frames.EVENTS`.
    """
    clicks = history.clicks
    base = _common(history, readers, clicks.slate).with_columns(
        article=pl.Series(newsroom.ids[clicks.article], dtype=pl.String),
        position=pl.Series(clicks.position, dtype=pl.Int64),
    )
    all_clicks = np.ones(len(clicks.at), dtype=np.bool_)
    parts = [
        _events(base, "click", clicks.at, all_clicks),
        _events(base, "read", clicks.read_at, all_clicks, clicks.seconds),
        _events(base, "scroll", clicks.read_at, all_clicks, clicks.scroll),
        *(_events(base, kind, clicks.read_at + REACTION_PAUSE, mask) for kind, mask in reactions.items()),
    ]
    return conform(pl.concat(parts).sort("known_at", "id"), EVENTS)


def _common(history: History, readers: Readers, slate: Ints) -> pl.DataFrame:
    """Return reader, device, session and request id of each slate of `slate`."""
    slate_reader = history.reader[slate]
    return pl.DataFrame(
        {
            "reader": pl.Series(readers.ids[slate_reader], dtype=pl.String),
            "device": pl.Series(readers.device[slate_reader], dtype=pl.String),
            "session": pl.Series([f"v{number:07d}" for number in history.visit[slate]], dtype=pl.String),
            "request_id": pl.Series([f"s{number:07d}" for number in slate], dtype=pl.String),
        }
    )


def _events(base: pl.DataFrame, kind: str, at: Ints, mask: Bools, value: Floats | None = None) -> pl.DataFrame:
    return base.with_columns(
        id=pl.concat_str("request_id", pl.lit(kind), pl.col("position").cast(pl.String), separator=":"),
        kind=pl.lit(kind),
        at=pl.Series(at, dtype=pl.Int64),
        known_at=pl.Series(at, dtype=pl.Int64),
        value=pl.Series(value, dtype=pl.Float64) if value is not None else pl.lit(None, dtype=pl.Float64),
    ).filter(pl.Series(mask, dtype=pl.Boolean))
