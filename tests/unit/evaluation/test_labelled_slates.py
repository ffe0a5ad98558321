"""Logged slates become questions: at their time, with what came of them, in order."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.domain import HOUR, MINUTE, Article, Event, EventKind, Slate
from recsys.evaluation.labelled_slates import load_labelled_requests, load_requests, replay_requests
from recsys.feed.engine import FeedEngine
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import VectorTable
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.store import articles, event_log
from recsys.store.database import Database

START = 1_700_000_000_000_000
ARTICLES = articles_frame(Article(id=id_, title=id_.upper(), word_count=200) for id_ in "abc")


def slate(id_: str, after: int, *candidates: str, reader: str = "r", ordered: bool = True) -> Slate:
    at = START + after
    return Slate(
        id=id_,
        reader=reader,
        at=at,
        known_at=at,
        candidates=candidates,
        ordered=ordered,
        device="mobile",
        page="p",
    )


def event(
    kind: EventKind, article: str, after: int, quotes: str | None = None, value: float | None = None
) -> Event:
    at = START + after
    return Event(
        id=f"{kind}{article}{after}",
        reader="r",
        kind=kind,
        at=at,
        known_at=at,
        article=article,
        value=value,
        request_id=quotes,
    )


@pytest.fixture
def logged(database: Database) -> Database:
    slates = [
        slate("two", HOUR, "b", "c", ordered=False),
        slate("one", 0, "a", "b", "c"),
        slate("late", 5 * HOUR, "a", "b"),
        slate("other", HOUR, "a", "b", reader="q"),
    ]
    events = [
        event(EventKind.CLICK, "b", MINUTE, quotes="one"),
        event(EventKind.READ, "b", 2 * MINUTE, quotes="one", value=90.0),
        event(EventKind.CLICK, "c", HOUR + MINUTE),
        event(EventKind.IMPRESSION, "a", HOUR, quotes="elsewhere"),
        event(EventKind.CLICK, "a", 6 * HOUR, quotes="late"),
    ]
    with database.write() as connection:
        articles.upsert(connection, ARTICLES)
        event_log.append_frames(connection, events_frame(events), slates_frame(slates))
    return database


def loaded(of: Database, start: int = 0, end: int = 10 * HOUR, until: int = 20 * HOUR) -> pl.DataFrame:
    with of.read() as connection:
        return load_labelled_requests(connection, START + start, START + end, ARTICLES, START + until)


def labels(frame: pl.DataFrame) -> dict[str, list[int]]:
    return dict(frame.select("id", "labels").iter_rows())


def test_questions_come_in_order_of_time_with_their_labels(logged: Database) -> None:
    found = loaded(logged)
    assert found["id"].to_list() == ["one", "other", "two", "late"]
    assert labels(found) == {"one": [0, 3, 0], "two": [0, 2], "other": [0, 0], "late": [2, 0]}


def test_a_stretch_takes_its_start_and_leaves_its_end(logged: Database) -> None:
    assert loaded(logged, HOUR, 5 * HOUR)["id"].to_list() == ["other", "two"]
    assert loaded(logged, HOUR + 1, 5 * HOUR + 1)["id"].to_list() == ["late"]


def test_rows_known_later_are_no_labels(logged: Database) -> None:
    assert labels(loaded(logged, until=2 * MINUTE))["one"] == [0, 2, 0]
    assert labels(loaded(logged, until=MINUTE))["one"] == [0, 0, 0]


def test_labels_do_not_hang_on_where_the_stretch_begins(logged: Database) -> None:
    others = [replace(event(EventKind.READ, "c", number, value=20.0), reader=f"r{number}") for number in range(30)]
    late = [event(EventKind.READ, "c", HOUR + 2 * MINUTE, quotes="two", value=30.0)]
    with logged.write() as connection:
        event_log.append_frames(connection, events_frame([*others, *late]), slates_frame([]))
    whole = labels(loaded(logged))
    assert whole["two"] == [0, 3], "30 seconds are long for an article that others read in 20"
    assert labels(loaded(logged, HOUR)) == {name: whole[name] for name in ("two", "other", "late")}


def test_slates_of_attune_that_nobody_saw_are_left_out_and_counted(logged: Database) -> None:
    made = [
        replace(slate(name, 30 * HOUR, "a", "b", reader=reader), model="starting", scores=(1.0, 0.0))
        for name, reader in (("fetched", "r"), ("displayed", "p"), ("clicked", "o"), ("claimed", "n"))
    ]
    beacons = [
        replace(event(EventKind.IMPRESSION, "a", 31 * HOUR, quotes=quoted), reader=reader, id=f"beacon-{reader}")
        for quoted, reader in (("displayed", "p"), ("claimed", "somebody"))
    ]
    click = replace(event(EventKind.CLICK, "b", 30 * HOUR + MINUTE), reader="o")
    with logged.write() as connection:
        event_log.append_frames(connection, events_frame([*beacons, click]), slates_frame(made))
    with logged.read() as connection:
        found = load_requests(connection, START, START + 40 * HOUR, ARTICLES, START + 60 * HOUR)
    assert found.frame["id"].to_list() == ["one", "other", "two", "late", "clicked", "displayed"]
    assert found.unseen == 2
    assert labels(found.frame)["clicked"] == [0, 2]


def test_an_empty_stretch_has_no_questions(logged: Database) -> None:
    assert loaded(logged, 8 * HOUR, 9 * HOUR).is_empty()


def test_an_empty_log_has_no_questions(database: Database) -> None:
    assert loaded(database).is_empty()


def test_each_request_has_its_own_time_and_context(logged: Database) -> None:
    with logged.read() as connection:
        labelled_requests = load_labelled_requests(
            connection, START, START + 10 * HOUR, ARTICLES, START + 20 * HOUR
        )
        with Replay(connection) as past:
            engine = FeedEngine(state=past.state, vectors=VectorTable())
            requested = []
            for question, query, candidates in replay_requests(engine, past, labelled_requests):
                assert past.state.known_at < question.request.as_of
                assert candidates.features is not None
                requested.append((question, len(query.history), candidates.features.shape))
    assert [question.request.as_of - START for question, _, _ in requested] == [0, HOUR, HOUR, 5 * HOUR]
    assert [history for _, history, _ in requested] == [0, 0, 1, 2]
    assert [shape for _, _, shape in requested] == [(n, len(ALL_FEATURES.names)) for n in (3, 2, 2, 2)]
    (first, *_) = requested[0]
    assert (first.request.device, first.request.page, first.request.reader) == ("mobile", "p", "r")
    np.testing.assert_array_equal(first.positions, [0, 1, 2])
    assert np.isnan(requested[2][0].positions).all(), "a slate without order has no positions"


@pytest.mark.parametrize(("training", "seen"), [(True, [0, 1, 2]), (False, [SERVING_POSITION] * 3)])
def test_places_of_the_logged_slate_are_for_training_alone(
    logged: Database, training: bool, seen: list[float]
) -> None:
    with logged.read() as connection:
        labelled_requests = load_labelled_requests(connection, START, START + 1, ARTICLES, START + 20 * HOUR)
        with Replay(connection) as past:
            engine = FeedEngine(state=past.state, vectors=VectorTable())
            ((_, _, candidates),) = replay_requests(engine, past, labelled_requests, with_positions=training)
    assert candidates.features is not None
    assert candidates.features[:, ALL_FEATURES.names.index(POSITION)].tolist() == seen
