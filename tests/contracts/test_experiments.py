"""Figures of models on trial, on every database."""

from dataclasses import replace
from typing import Any

import pytest

from recsys.domain import DAY, Event, EventKind, RankedItem, Ranking, Slate
from recsys.frames import events_frame, slates_frame
from recsys.store import event_log, experiments
from recsys.store.database import Database


def slate(id: str, model: str | None, reader: str = "r", at: int = DAY) -> Slate:
    return Slate(
        id=id, reader=reader, at=at, known_at=at, candidates=("a", "b", "c"), scores=(3.0, 2.0, 1.0), model=model
    )


def event(id: str, kind: EventKind, request: str | None, **more: Any) -> Event:
    reported: dict[str, Any] = {
        "reader": "r",
        "at": DAY,
        "known_at": DAY + 1,
        "article": "a",
        "request_id": request,
    } | more
    return Event(id=id, kind=kind, **reported)


def unseen(request: str, *ids: str, model: str = "new", at: int = DAY) -> Ranking:
    items = tuple(RankedItem(id_, 1.0 / place, place) for place, id_ in enumerate(ids, start=1))
    return Ranking(request, model, at, items)


def append(database: Database, slates: list[Slate], events: list[Event], unseen: list[Ranking]) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(events), slates_frame(slates))
        for each in unseen:
            experiments.add_shadow(connection, "r", each)


def test_a_second_shadow_slate_of_a_request_is_left_out(database: Database) -> None:
    append(database, [slate("s1", "old")], [], [unseen("s1", "a", "b"), unseen("s1", "c")])
    with database.read() as connection:
        assert experiments.shadow_outcomes(connection, since=0)["unseen"].to_list() == [["a", "b"]]


def test_the_result_of_a_slate_is_the_events_that_quote_it(database: Database) -> None:
    events = [
        event("1", EventKind.CLICK, "s1"),
        event("2", EventKind.CLICK, "s1"),  # the same article once more
        event("3", EventKind.CLICK, "s1", article="b"),
        event("4", EventKind.READ, "s1", value=40.0),
        event("5", EventKind.READ, "s1", value=2.5, article="b"),
        event("6", EventKind.CLICK, None, article="c"),
        event("7", EventKind.CLICK, "s3", article="c"),
        event("8", EventKind.HIDE, "s1", article="c"),
        event("9", EventKind.HIDE, "s1", article="c"),
    ]
    append(database, [slate("s1", "old"), slate("s2", "new", "r2"), slate("s3", None)], events, [])
    with database.read() as connection:
        found = experiments.outcomes(connection, since=0, longest=600.0)
    assert found.rows() == [("old", "r", 2, 42.5, 1), ("new", "r2", 0, 0.0, 0)]


def test_a_reading_counts_for_as_long_as_the_longest(database: Database) -> None:
    left_open = event("1", EventKind.READ, "s1", value=8 * 3600.0)
    read = event("2", EventKind.READ, "s1", value=30.0, article="b")
    append(database, [slate("s1", "old")], [left_open, read], [])
    with database.read() as connection:
        found = experiments.outcomes(connection, since=0, longest=600.0)
    assert found.rows() == [("old", "r", 0, 630.0, 0)]


def test_only_slates_since_a_time_are_counted(database: Database) -> None:
    append(database, [slate("s1", "old"), slate("s2", "old", at=2 * DAY)], [], [])
    with database.read() as connection:
        assert experiments.outcomes(connection, since=DAY + 1, longest=600.0).height == 1
        assert experiments.outcomes(connection, since=3 * DAY, longest=600.0).is_empty()
        assert experiments.outcomes(connection, since=3 * DAY, longest=600.0).schema == experiments.OUTCOMES


def test_reading_before_a_trial_is_summed_by_reader_within_its_days(database: Database) -> None:
    events = [
        event("1", EventKind.CLICK, None, at=5 * DAY),
        event("2", EventKind.READ, None, at=5 * DAY, value=900.0),
        event("3", EventKind.READ, None, at=6 * DAY, value=10.0),
        event("4", EventKind.CLICK, None, at=4 * DAY, reader="r2"),
        event("5", EventKind.CLICK, None, at=4 * DAY - 1),  # too early
        event("6", EventKind.CLICK, None, at=7 * DAY),  # in the trial
        event("7", EventKind.LIKE, None, at=5 * DAY, reader="r3"),
    ]
    append(database, [], [replace(each, known_at=each.at) for each in events], [])
    with database.read() as connection:
        found = experiments.reading_before(connection, start=7 * DAY, days=3, longest=600.0)
    assert found.rows() == [("r", 1, 610.0), ("r2", 1, 0.0)]
    assert found.schema == experiments.BEFORE


def test_unseen_slates_stand_beside_what_was_shown_and_opened(database: Database) -> None:
    events = [event("1", EventKind.CLICK, "s1", article="b"), event("2", EventKind.CLICK, "s1", article="b")]
    append(database, [slate("s1", "old"), slate("s2", "old")], events, [unseen("s1", "b", "d"), unseen("s2", "c")])
    with database.read() as connection:
        found = experiments.shadow_outcomes(connection, since=0)
    assert found.rows() == [
        ("new", "r", ["b", "d"], ["a", "b", "c"], ["b"]),
        ("new", "r", ["c"], ["a", "b", "c"], []),
    ]


@pytest.mark.parametrize("more", [{"reader": "r2"}, {"known_at": DAY - 1, "at": DAY - 2}])
def test_clients_cannot_make_up_the_result_of_a_slate(database: Database, more: dict[str, Any]) -> None:
    """Events of somebody else, and from before the slate was shown, that quote its id."""
    made_up = [event("1", EventKind.CLICK, "s1", **more), event("2", EventKind.READ, "s1", value=40.0, **more)]
    append(database, [slate("s1", "old")], made_up, [unseen("s1", "a")])
    with database.read() as connection:
        assert experiments.outcomes(connection, since=0, longest=600.0).rows() == [("old", "r", 0, 0.0, 0)]
        assert experiments.shadow_outcomes(connection, since=0)["opened"].to_list() == [[]]


def test_events_that_came_with_the_slate_count(database: Database) -> None:
    append(database, [slate("s1", "old")], [event("1", EventKind.CLICK, "s1", known_at=DAY)], [unseen("s1", "a")])
    with database.read() as connection:
        assert experiments.outcomes(connection, since=0, longest=600.0).rows() == [("old", "r", 1, 0.0, 0)]
        assert experiments.shadow_outcomes(connection, since=0)["opened"].to_list() == [["a"]]


def test_old_unseen_slates_are_swept(database: Database) -> None:
    append(
        database, [slate("s1", "old"), slate("s2", "old")], [], [unseen("s1", "a"), unseen("s2", "a", at=3 * DAY)]
    )
    with database.write() as connection:
        assert experiments.delete_shadows(connection, before=2 * DAY) == 1
    with database.read() as connection:
        assert experiments.shadow_outcomes(connection, since=0).height == 1
