import polars as pl
import pytest

from ingest import generic_schema
from ingest.raw_batch import RAW_ARTICLES, RAW_EVENTS, RAW_SLATES, rejects_frame
from recsys.frames import ARTICLES, EVENTS, NATIVE, SLATES


def places(count: int) -> pl.DataFrame:
    return pl.DataFrame({"file": ["f"] * count, "row": list(range(1, count + 1)), "raw": ["raw"] * count})


@pytest.mark.parametrize(("kind", "schema"), [("articles", ARTICLES), ("events", EVENTS), ("impressions", SLATES)])
def test_the_formats_have_the_fields_of_the_values(kind: str, schema: dict[str, pl.DataType]) -> None:
    assert {name: NATIVE[wanted] for name, wanted in generic_schema.FIELDS[kind].items()} == schema


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["id", "title"], "articles"),
        (["reader", "kind", "title"], "events"),
        (["reader", "candidates", "kind"], "impressions"),
        (["reader", "at"], None),
    ],
)
def test_kind_is_told_by_the_fields(names: list[str], kind: str | None) -> None:
    assert generic_schema.kind_of(names) == kind


def test_absent_fields_are_null_and_unknown_ones_ignored() -> None:
    rows = generic_schema.from_rows([{"id": "a", "title": "T", "colour": "red"}], places(1), "articles")
    assert rows.schema == pl.Schema(RAW_ARTICLES)
    assert rows["abstract"].to_list() == [None]


def test_empty_text_is_no_text() -> None:
    rows = generic_schema.from_rows([{"id": "a", "title": "", "category": ""}], places(1), "articles")
    assert rows.select("title", "category").row(0) == (None, None)


def test_an_event_is_known_when_it_happened_unless_it_says_otherwise() -> None:
    rows = generic_schema.from_rows([{"at": 10**15}, {"at": 10**15, "known_at": 10**15 + 5}], places(2), "events")
    assert rows.schema == pl.Schema(RAW_EVENTS)
    assert rows["known_at"].to_list() == [10**15, 10**15 + 5]


def test_kinds_are_read_without_regard_to_case() -> None:
    assert generic_schema.from_rows([{"kind": "Click"}], places(1), "events")["kind"].to_list() == ["click"]


def test_slates_are_unordered_unless_they_say_otherwise() -> None:
    rows = generic_schema.from_rows(
        [{"candidates": ["a"]}, {"candidates": ["a"], "ordered": True}], places(2), "impressions"
    )
    assert rows.schema == pl.Schema(RAW_SLATES)
    assert rows["ordered"].to_list() == [False, True]


def test_a_time_and_a_type_that_do_not_fit_are_different_problems() -> None:
    rows = generic_schema.from_rows([{"at": "noon"}, {"position": "first"}], places(2), "events")
    assert rows["problem"].to_list() == ["bad_time", "bad_type"]


def test_rows_and_frames_of_the_same_content_give_the_same() -> None:
    rows = [{"reader": "r", "kind": "read", "at": 1_684_393_203, "article": "a", "value": 3.5, "position": 2}]
    from_rows = generic_schema.from_rows(rows, places(1), "events")
    from_frame = generic_schema.from_frame(pl.DataFrame(rows), places(1), "events")
    assert from_rows.equals(from_frame)


def test_a_table_row_that_does_not_fit_quotes_what_it_held() -> None:
    where = places(2).with_columns(raw=pl.lit(None, dtype=pl.String))
    rows = generic_schema.from_frame(
        pl.DataFrame({"id": ["a", "b"], "word_count": ["many", "3"]}), where, "articles"
    )
    assert rows["raw"].to_list() == ['{"id":"a","word_count":"many"}', None]


@pytest.mark.parametrize("kind", ["articles", "events", "impressions"])
def test_a_batch_of_one_kind_counts_that_kind(kind: str) -> None:
    rows = generic_schema.from_rows([{}, {}], places(2), kind)
    batch = generic_schema.batch_of(9, kind, rows, rejects_frame([]))
    assert batch.position == 9
    assert +batch.read() == {kind: 2}
