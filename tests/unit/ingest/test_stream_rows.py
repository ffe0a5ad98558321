"""Messages → rows: JSON and CloudEvents, in all modes; every message gives rows or a reason."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.stream_rows import MOST_ROWS, StreamMessage, StreamRow, rows_of

EVENT = {"id": "e1", "reader": "r1", "kind": "click", "article": "a1", "at": 1_700_000_000}
ENVELOPE = {
    "specversion": "1.0",
    "id": "7",
    "source": "/news",
    "type": "news.event",
    "time": "2026-11-26T10:00:00Z",
}


def message(content: object, **headers: str) -> StreamMessage:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return StreamMessage(json.dumps(content).encode(), "clicks:5", named, at=1_700_000_009_000_000)


def only(rows: list[StreamRow]) -> Any:
    (row,) = rows
    assert row.problem is None
    return row.content


def reason_of(rows: list[StreamRow]) -> str:
    (row,) = rows
    assert row.problem is not None
    return row.problem.reason


def test_an_event_with_id_and_time_stays_as_it_is() -> None:
    assert only(rows_of(message(EVENT))) == EVENT


def test_an_article_is_recognized_by_its_title() -> None:
    (row,) = rows_of(message({"id": "a1", "title": "Rain"}))
    assert (row.kind, row.content) == ("articles", {"id": "a1", "title": "Rain"})


def test_a_message_without_id_and_time_gets_those_of_its_position_and_broker() -> None:
    bare = {"reader": "r1", "kind": "click", "article": "a1"}
    first, again = (only(rows_of(message(bare))) for _ in range(2))
    other = only(rows_of(StreamMessage(json.dumps(bare).encode(), "clicks:6")))
    assert first == again
    assert first["at"] == 1_700_000_009_000_000
    assert first["id"] != other["id"]
    assert "at" not in other


def test_other_names_of_the_id_and_the_time_count() -> None:
    row = {"event_id": "e9", "timestamp": 1_700_000_000, "user": "r1", "kind": "click", "article": "a1"}
    assert only(rows_of(message(row))) == row


def test_a_cloud_event_gives_the_same_row_in_every_mode() -> None:
    bare = {"reader": "r1", "kind": "click", "article": "a1"}
    encoded = base64.b64encode(json.dumps(bare).encode()).decode()
    attributes = {f"ce_{name}": value for name, value in ENVELOPE.items()}
    structured = only(rows_of(message({**ENVELOPE, "data": bare})))
    assert structured == only(rows_of(message({**ENVELOPE, "data_base64": encoded})))
    assert structured == only(rows_of(message(bare, **attributes)))
    assert structured["at"] == ENVELOPE["time"]
    elsewhere = only(rows_of(message({**ENVELOPE, "source": "/other", "data": bare})))
    assert structured["id"] != elsewhere["id"]


@pytest.mark.parametrize("prefix", ["ce-", "ce_", "cloudevents:", "cloudevents_"])
def test_attributes_are_read_with_the_prefix_of_every_protocol(prefix: str) -> None:
    headers = {f"{prefix}{name}": value for name, value in ENVELOPE.items()}
    row = only(rows_of(StreamMessage(b'{"reader": "r", "kind": "click", "article": "a"}', "p", headers)))
    assert row["at"] == ENVELOPE["time"]


def test_a_batch_of_cloud_events_gives_a_row_each() -> None:
    batch = [{**ENVELOPE, "id": str(number), "data": {**EVENT, "id": f"e{number}"}} for number in range(3)]
    assert [row.content for row in rows_of(message(batch))] == [each["data"] for each in batch]


def test_the_type_of_a_cloud_event_decides_the_kind() -> None:
    (row,) = rows_of(message({**ENVELOPE, "type": "org.news.article", "data": {"id": "a1", "headline": "Rain"}}))
    assert row.kind == "articles"


def test_an_impression_is_recognized_by_its_candidates_and_completed_like_an_event() -> None:
    bare = {"reader": "r1", "candidates": ["a1", "a2"]}
    (row,) = rows_of(message(bare))
    assert row.kind == "impressions"
    completed = only([row])
    assert completed == {**bare, "id": completed["id"], "at": 1_700_000_009_000_000}
    assert only(rows_of(message({"slate_id": "s1", "time": 1_700_000_000, "user": "r1", "items": ["a1"]}))) == {
        "slate_id": "s1",
        "time": 1_700_000_000,
        "user": "r1",
        "items": ["a1"],
    }


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"reader": "r1", "candidates": ["a1"]}, "impressions"),
        ({"reader": "r1", "kind": "impression", "article": "a1"}, "events"),
    ],
)
def test_the_type_impression_leaves_the_kind_to_the_fields(data: dict[str, object], kind: str) -> None:
    (row,) = rows_of(message({**ENVELOPE, "type": "attune.impression", "data": data}))
    assert row.kind == kind


@pytest.mark.parametrize("kind", ["events", "articles", "impressions"])
def test_the_list_of_a_body_names_the_kind_of_its_rows(kind: str) -> None:
    rows = rows_of(message({kind: [{"id": "x1"}, {"id": "x2"}]}))
    assert [(row.kind, row.place) for row in rows] == [(kind, "clicks:5/0"), (kind, "clicks:5/1")]


def test_the_chosen_kind_counts_more_than_the_fields() -> None:
    (row,) = rows_of(message({"id": "a1", "title": "Rain"}), kind="events")
    assert row.kind == "events"


def test_the_body_of_a_request_gives_its_rows() -> None:
    bare = {"reader": "r1", "kind": "click", "article": "a1"}
    rows = rows_of(message({"events": [bare, bare]}))
    ids = {row.content["id"] for row in rows if isinstance(row.content, dict)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "message: not JSON"),
        (b"[" * 100_000, "message: not JSON"),
        (b"\xff", "message: not UTF-8"),
        (b"3", "row: not an object"),
        (b"", "row: neither article, event nor impression"),
        (b'{"x": 1}', "row: neither article, event nor impression"),
        (json.dumps({**ENVELOPE, "data_base64": "?"}).encode(), "data_base64: not JSON"),
        (json.dumps({**ENVELOPE}).encode(), "row: not an object"),
        (json.dumps([EVENT] * (MOST_ROWS + 1)).encode(), "message: more than 1000 rows"),
    ],
)
def test_a_message_that_is_no_row_has_a_reason(body: bytes, reason: str) -> None:
    assert reason_of(rows_of(StreamMessage(body, "p"))) == reason


def test_a_long_message_is_refused_unread() -> None:
    assert reason_of(rows_of(StreamMessage(b" " * 101, "p"), most_bytes=100)) == "message: longer than 100 bytes"


NAMES = [*EVENT, *ENVELOPE, "data", "candidates"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_gives_rows_or_reasons_and_always_the_same(body: bytes) -> None:
    rows = rows_of(StreamMessage(body, "p"))
    # by their text: NaN does not equal itself
    assert repr(rows) == repr(rows_of(StreamMessage(body, "p")))
    assert all((row.problem is None) == (row.kind is not None) for row in rows)
    assert len({row.place for row in rows}) == len(rows)
