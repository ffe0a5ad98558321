import polars as pl
import pytest

from ingest import generic_schema
from ingest.field_names import kind_of
from ingest.raw_batch import RAW_ARTICLES, RAW_EVENTS, RAW_SLATES, rejects_frame


def places(count: int) -> pl.DataFrame:
    return pl.DataFrame({"file": ["f"] * count, "row": list(range(1, count + 1)), "raw": ["raw"] * count})


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["id", "title"], "articles"),
        (["reader", "kind", "title"], "events"),
        (["reader", "candidates", "kind"], "impressions"),
        (["reader", "at"], None),
        (["guid", "Headline", "section", "pubDate"], "articles"),
        (["user_id", "item_id", "event_type"], "events"),
        (["id", "title", "type"], "articles"),
    ],
)
def test_the_fields_decide_the_kind(names: list[str], kind: str | None) -> None:
    assert kind_of(names) == kind


def test_absent_fields_are_null_and_unknown_ones_ignored() -> None:
    rows = generic_schema.from_rows([{"id": "a", "title": "T", "colour": "red"}], places(1), "articles").rows
    assert rows.schema == pl.Schema(RAW_ARTICLES)
    assert rows["abstract"].to_list() == [None]


def test_empty_text_is_no_text() -> None:
    rows = generic_schema.from_rows([{"id": "a", "title": "", "category": ""}], places(1), "articles").rows
    assert rows.select("title", "category").row(0) == (None, None)


def test_an_event_is_known_when_it_happened_unless_it_has_another_time() -> None:
    rows = generic_schema.from_rows(
        [{"at": 10**15}, {"at": 10**15, "known_at": 10**15 + 5}], places(2), "events"
    ).rows
    assert rows.schema == pl.Schema(RAW_EVENTS)
    assert rows["known_at"].to_list() == [10**15, 10**15 + 5]


def test_kinds_are_read_without_regard_to_case() -> None:
    assert generic_schema.from_rows([{"kind": "Click"}], places(1), "events").rows["kind"].to_list() == ["click"]


def test_slates_are_unordered_unless_they_say_otherwise() -> None:
    rows = generic_schema.from_rows(
        [{"candidates": ["a"]}, {"candidates": ["a"], "ordered": True}], places(2), "impressions"
    ).rows
    assert rows.schema == pl.Schema(RAW_SLATES)
    assert rows["ordered"].to_list() == [False, True]


def test_a_row_with_a_problem_quotes_what_it_held() -> None:
    where = places(2).with_columns(raw=pl.lit(None, dtype=pl.String))
    found = generic_schema.from_rows([{"id": "a", "title": ["many"]}, {"id": "b"}], where, "articles").rows
    assert found["raw"].to_list() == ['{"id": "a", "title": ["many"]}', None]
    assert found["given"].to_list() == ["['many']", None]


@pytest.mark.parametrize("kind", ["articles", "events", "impressions"])
def test_a_batch_of_one_kind_counts_that_kind(kind: str) -> None:
    rows = generic_schema.from_rows([{}, {}], places(2), kind)
    batch = generic_schema.batch_of(9, kind, rows, rejects_frame([]))
    assert batch.position == 9
    assert +batch.read() == {kind: 2}
