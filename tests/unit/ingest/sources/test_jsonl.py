import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.jsonl import JsonLines, parse_object
from recsys.errors import DataError
from recsys.frames import EVENTS

ARTICLE = {"id": "a", "title": "Title"}
EVENT = {"reader": "r", "kind": "click", "article": "a", "at": 1_684_393_203}
SLATE = {"reader": "r", "at": 1_684_393_203, "candidates": ["a", "b"]}


def source(tmp_path: Path, *rows: object, size: int = 1 << 20) -> JsonLines:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return JsonLines([path], size)


def test_articles_events_and_impressions_may_be_mixed(tmp_path: Path) -> None:
    (batch,) = source(tmp_path, ARTICLE, EVENT, SLATE, EVENT).batches(0)
    assert +batch.read() == {"articles": 1, "events": 2, "impressions": 1}
    assert batch.events["row"].to_list() == [2, 4]
    assert batch.events["raw"][0] == json.dumps(EVENT)
    assert batch.slates["candidates"].to_list() == [["a", "b"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "row: not JSON"),
        (b'{"id": "a", "title": "cut sh', "row: not JSON"),
        (b"[" * 100_000, "row: not JSON"),
        (b"[1, 2]", "row: not an object"),
        (b'{"name": "x"}', "row: neither article, event nor impression"),
        (b'{"id": "\xff", "title": "T"}', "row: not UTF-8"),
    ],
)
def test_a_bad_line_costs_itself_alone(tmp_path: Path, line: bytes, reason: str) -> None:
    (batch,) = source(tmp_path, ARTICLE, line, EVENT).batches(0)
    assert batch.rejects.select("file", "row", "kind", "reason").rows() == [
        ("log.jsonl", 2, "unrecognised", reason)
    ]
    assert (batch.articles.height, batch.events.height) == (1, 1)


def test_parsing_one_line() -> None:
    assert parse_object('{"a": 1}') == {"a": 1}
    assert parse_object("nope") == "row: not JSON"


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty"):
        source(tmp_path)


def test_the_total_is_where_the_last_batch_ends(tmp_path: Path) -> None:
    log = source(tmp_path, ARTICLE, EVENT, SLATE, size=10)
    positions = [batch.position for batch in log.batches(0)]
    assert positions == sorted(set(positions))
    assert positions[-1] == log.total


EVENTS_MADE = st.lists(
    st.builds(
        lambda reader, kind, at, value: {"reader": reader, "kind": kind, "article": "a", "at": at, "value": value},
        st.text('abcäñ€🙂"\\,', min_size=1, max_size=4),
        st.sampled_from(["read", "click"]),
        st.integers(10**9, 2 * 10**9),
        st.floats(0, 100),
    ),
    min_size=1,
    max_size=10,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS_MADE, st.integers(1, 400))
def test_any_split_into_batches_gives_the_same_events(tmp_path: Path, rows: list[object], size: int) -> None:
    whole = pl.concat(batch.events for batch in source(tmp_path, *rows).batches(0))
    parts = pl.concat(batch.events for batch in source(tmp_path, *rows, size=size).batches(0))
    assert parts.equals(whole)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS_MADE)
def test_written_values_come_back(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    (batch,) = source(tmp_path, *rows).batches(0)
    assert batch.events.select("reader", "kind", "article", "value").rows(named=True) == [
        {name: row[name] for name in ("reader", "kind", "article", "value")} for row in rows
    ]
    (again,) = source(tmp_path, *batch.events.select(list(EVENTS)).rows(named=True)).batches(0)
    assert again.events.select(list(EVENTS)).equals(batch.events.select(list(EVENTS)))
