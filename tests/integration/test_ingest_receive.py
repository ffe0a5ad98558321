"""Rows received live, on both databases."""

import itertools
import math

import pytest

from ingest.event_rows import check_events
from ingest.http_ingest import Received, received_events, store_articles, store_impressions
from ingest.pseudonyms import Pseudonyms
from recsys.domain import MINUTE, Slate
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.store import event_log_reader
from recsys.store.articles import get
from recsys.store.database import Database
from recsys.store.log_outbox import rows_after

NOW = 1_700_000_000_000_000
CLICK = {"reader": "r", "kind": "click", "article": "a", "at": NOW - 1_000}


def received(database: Database, *rows: object, clock: Clock | None = None, at: int = NOW) -> Received:
    checked = check_events(rows, at)
    writer = LogWriter(database, clock or FixedClock(NOW))
    return received_events(checked, writer.append_events(checked.events).result())


class FixedClock(Clock):
    """A clock that stands, but gives no time twice."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def _next(self, count: int) -> int:
        first = max(self._start, self._last + 1)
        self._last = first + count - 1
        return first


def reasons(result: Received) -> list[tuple[int, str]]:
    return [(row.index, row.problem.reason) for row in result.rejected]


def log(database: Database) -> list[dict[str, object]]:
    with database.read() as connection:
        return [row for chunk in event_log_reader.stream(connection) for row in chunk.events.rows(named=True)]


def test_events_are_known_in_the_order_of_receipt(database: Database) -> None:
    clock = FixedClock(NOW)
    rows = [{**CLICK, "id": name, "at": NOW - hours} for name, hours in (("late", 1), ("early", 9), ("mid", 5))]
    assert received(database, *rows, clock=clock) == Received(3, 0, [], [])
    received(database, {**CLICK, "id": "next"}, clock=clock)
    assert [row["id"] for row in log(database)] == ["late", "early", "mid", "next"]
    known = [row["known_at"] for row in log(database)]
    assert known == list(range(NOW, NOW + 4))


def test_receipt_is_later_than_all_the_log_holds_whatever_the_clock_says(database: Database) -> None:
    received(database, CLICK, clock=FixedClock(NOW))
    received(database, {**CLICK, "article": "b"}, clock=FixedClock(NOW - 10**9))
    first, second = (row["known_at"] for row in log(database))
    assert second == first + 1


def test_an_event_without_time_happened_on_receipt(database: Database) -> None:
    received(database, {"reader": "r", "kind": "click", "article": "a"})
    assert log(database)[0]["at"] == NOW


def test_two_clicks_without_time_or_id_are_two(database: Database) -> None:
    bare = {"reader": "r", "kind": "click", "article": "a"}
    assert received(database, bare).accepted == 1
    assert received(database, bare, at=NOW + 1).accepted == 1


def test_a_clock_ahead_of_ours_does_not_make_the_future(database: Database) -> None:
    received(database, {**CLICK, "at": NOW + 60_000_000})
    assert log(database)[0]["at"] == NOW


def test_sent_again_it_is_a_duplicate(database: Database) -> None:
    with_id = {**CLICK, "id": "e"}
    del with_id["at"]
    for rows, at in itertools.product([(CLICK, with_id)], [NOW, NOW + 5_000]):
        last = received(database, *rows, at=at)
    assert last == Received(0, 2, [], [])
    assert len(log(database)) == 2


def test_each_bad_row_is_named_by_its_index_and_the_others_are_stored(database: Database) -> None:
    result = received(
        database,
        "click",
        CLICK,
        {**CLICK, "kind": "glance"},
        {**CLICK, "kind": "read", "value": math.nan},
        {**CLICK, "id": "e"},
        {**CLICK, "id": "e", "article": "b"},
        {**CLICK, "reader": ["r"]},
    )
    assert (result.accepted, result.duplicates) == (2, 0)
    assert reasons(result) == [
        (0, "row: not an object"),
        (2, "kind: unknown"),
        (3, "value: missing"),
        (5, "id: stored already with other content"),
        (6, "reader: a list where text is expected"),
    ]


def test_a_caller_cannot_say_when_we_knew(database: Database) -> None:
    received(database, {**CLICK, "known_at": NOW - 500})
    assert log(database)[0]["known_at"] == NOW


@pytest.mark.parametrize("rows", [[], ["x"]])
def test_nothing_sound_stores_nothing(database: Database, rows: list[object]) -> None:
    assert received(database, *rows).accepted == 0
    assert log(database) == []


def test_articles_new_changed_same_and_bad(database: Database) -> None:
    article = {"id": "a", "title": "Title", "entities": ["x"], "published_at": "2023-05-18T07:00:00Z"}
    first = store_articles(database, [article, {"id": "b"}, 7], NOW)
    assert (first.accepted, reasons(first)) == (1, [(1, "title: missing"), (2, "row: not an object")])
    assert store_articles(database, [article], NOW) == Received(0, 1, [], [])
    assert store_articles(database, [{**article, "title": "Other"}], NOW) == Received(1, 0, [], [])
    with database.read() as connection:
        assert get(connection, ["a"])["title"].to_list() == ["Other"]


SLATE = {"id": "s1", "reader": "r", "at": NOW - 1_000, "candidates": ["a", "b"], "ordered": True}


def slates(database: Database) -> list[Slate]:
    with database.read() as connection:
        return [row for _, row in rows_after(connection, 0, 1_000) if isinstance(row, Slate)]


def test_impressions_are_stored_once_and_known_from_their_receipt(database: Database) -> None:
    clock = FixedClock(NOW)
    received(database, CLICK, clock=clock)
    rows = [{**SLATE, "known_at": NOW - 500}, {**SLATE, "id": "s2", "at": NOW + MINUTE, "reader": "q"}]
    found = store_impressions(database, rows, clock)
    assert found == Received(2, 0, [], [])
    assert store_impressions(database, rows, clock) == Received(0, 2, [], [])
    first, second = slates(database)
    assert (first.id, first.candidates, first.ordered, first.at) == ("s1", ("a", "b"), True, NOW - 1_000)
    assert (second.id, second.reader) == ("s2", "q")
    assert NOW < first.known_at < second.known_at
    assert second.at <= second.known_at, "a clock that is fast does not let a row be known before it happened"


def test_an_impression_with_an_error_costs_itself_alone(database: Database) -> None:
    rows: list[object] = [
        7,
        {**SLATE, "candidates": []},
        {**SLATE, "at": "soon"},
        {**SLATE, "at": NOW + 60 * MINUTE},
        {**SLATE, "scores": [1.0]},
        {**SLATE, "model": "m" * 1_001},
        SLATE,
        {**SLATE, "candidates": ["c"]},
    ]
    found = store_impressions(database, rows, FixedClock(NOW))
    assert reasons(found) == [
        (0, "row: not an object"),
        (1, "candidates: empty"),
        (2, "at: this text is not a time Attune reads"),
        (3, "at: in the future"),
        (4, "scores: not as long as candidates"),
        (7, "id: stored already with other content"),
    ]
    assert [(row.index, row.problem.reason) for row in found.lost] == [(5, "model: longer than 1000 bytes")]
    assert (found.accepted, found.duplicates) == (1, 1)
    assert [slate.model for slate in slates(database)] == [None]


def test_an_impression_without_a_time_was_shown_at_its_receipt(database: Database) -> None:
    store_impressions(database, [{**SLATE, "at": None}], FixedClock(NOW))
    assert [(slate.at, slate.known_at) for slate in slates(database)] == [(NOW, NOW + 1)]


def test_impressions_are_stored_with_pseudonyms(database: Database) -> None:
    pseudonyms = Pseudonyms("k" * 16)
    store_impressions(database, [SLATE], FixedClock(NOW), pseudonyms)
    assert [slate.reader for slate in slates(database)] == [pseudonyms.of("r")]
