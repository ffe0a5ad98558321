import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import reading_dedup
from ingest.reading_dedup import CLICK, HISTORY, PAGE, READINGS
from recsys.domain import MINUTE, SECOND
from recsys.frames import conform

START = 1_684_393_203_000_000


def reading(key: str, source_rank: int, after: int = 0, **more: object) -> dict[str, object]:
    """A reading of article ``a`` by reader ``r``, `after` microseconds past the start."""
    opened = START + after
    return {
        "key": key,
        "source_rank": source_rank,
        "reader": "r",
        "article": "a",
        "opened": opened,
        "clicked_known_at": opened,
        **more,
    }


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), READINGS)


def kept(*rows: dict[str, object]) -> list[str]:
    return sorted(reading_dedup.merge(frame(*rows))[0]["key"].to_list())


@pytest.mark.parametrize("source_rank", [HISTORY, PAGE])
@pytest.mark.parametrize("gap", [0, 2 * MINUTE, -2 * MINUTE])
def test_a_click_repeated_within_two_minutes_is_one_reading(source_rank: int, gap: int) -> None:
    assert kept(reading("click", CLICK), reading("again", source_rank, gap)) == ["click"]


@pytest.mark.parametrize("source_rank", [HISTORY, PAGE])
def test_later_than_two_minutes_it_is_another_reading(source_rank: int) -> None:
    assert kept(reading("click", CLICK), reading("other", source_rank, 2 * MINUTE + 1)) == ["click", "other"]


def test_a_page_view_that_the_history_has_is_not_stored_again() -> None:
    assert kept(reading("page", PAGE, MINUTE), reading("past", HISTORY)) == ["past"]


@pytest.mark.parametrize("other", [{"reader": "s"}, {"article": "b"}])
def test_another_reader_or_article_is_another_reading(other: dict[str, object]) -> None:
    assert kept(reading("click", CLICK), reading("page", PAGE, **other)) == ["click", "page"]


@pytest.mark.parametrize("source_rank", [CLICK, HISTORY, PAGE])
def test_one_teller_may_tell_of_two_readings_within_two_minutes(source_rank: int) -> None:
    assert kept(reading("one", source_rank), reading("two", source_rank, MINUTE)) == ["one", "two"]


def test_the_same_history_entry_twice_keeps_the_longer_dwell() -> None:
    once, merged = reading_dedup.merge(frame(reading("h", HISTORY, dwell=3.0), reading("h", HISTORY, dwell=9.0)))
    assert once["dwell"].to_list() == [9.0]
    assert merged == 2


def test_a_click_without_dwell_takes_that_of_the_page_view() -> None:
    once, _ = reading_dedup.merge(
        frame(reading("click", CLICK), reading("page", PAGE, SECOND, dwell=8.0, scroll=40.0))
    )
    assert once.select("key", "dwell", "scroll").rows() == [("click", 8.0, 40.0)]


def test_a_click_with_its_own_dwell_keeps_it() -> None:
    reported = frame(reading("click", CLICK, dwell=5.0), reading("page", PAGE, dwell=8.0, scroll=40.0))
    once, merged = reading_dedup.merge(reported)
    assert once.select("dwell", "scroll").rows() == [(5.0, None)]
    assert merged == 3


def test_events_of_a_reading() -> None:
    events = reading_dedup.to_events(frame(reading("q/a", CLICK, dwell=8.0, scroll=40.0, request_id="q")))
    assert events.select("id", "kind", "value").rows() == [
        ("q/a/click", "click", None),
        ("q/a/read", "read", 8.0),
        ("q/a/scroll", "scroll", 40.0),
    ]
    assert (events["at"] - START).to_list() == [0, 8 * SECOND, 8 * SECOND]
    assert events["known_at"].to_list() == events["at"].to_list()
    assert events["request_id"].unique().to_list() == ["q"]


def test_a_click_may_be_known_later_than_it_happened() -> None:
    page = reading("q/page", PAGE, clicked_known_at=START + MINUTE, dwell=60.0)
    click = reading_dedup.to_events(frame(page)).row(0, named=True)
    assert (click["at"], click["known_at"]) == (START, START + MINUTE)


@pytest.mark.parametrize("dwell", [float("nan"), float("inf"), -3.0, 1e9])
def test_a_dwell_that_cannot_be_meant_does_not_move_the_end(dwell: float) -> None:
    events = reading_dedup.to_events(frame(reading("k", CLICK, dwell=dwell, scroll=10.0)))
    assert events["at"].unique().to_list() == [START]
    assert events.height == 3


def test_readings_stored_already_are_left_out_with_all_their_events() -> None:
    reported = frame(reading("old", HISTORY, dwell=4.0), reading("new", HISTORY, 10 * MINUTE, scroll=9.0))
    stored = pl.DataFrame({"reader": ["r"], "article": ["a"], "at": [START - MINUTE]})
    fresh = reading_dedup.drop_stored_readings(reading_dedup.to_events(reported), stored)
    assert fresh["id"].to_list() == ["new/click", "new/scroll"]


def test_events_outside_readings_are_never_left_out() -> None:
    loose = reading_dedup.to_events(frame(reading("k", CLICK))).with_columns(opened=pl.lit(None, dtype=pl.Int64))
    stored = pl.DataFrame({"reader": ["r"], "article": ["a"], "at": [START]})
    assert reading_dedup.drop_stored_readings(loose, stored).height == 1


REPORTED = st.lists(
    st.builds(
        lambda source_rank, minute, article, dwell, number: reading(
            f"{source_rank}/{number}", source_rank, minute * MINUTE, article=article, dwell=dwell
        ),
        st.sampled_from([CLICK, HISTORY, PAGE]),
        st.integers(0, 9),
        st.sampled_from(["a", "b", None]),
        st.one_of(st.none(), st.floats(0, 100)),
        st.integers(0, 10**6),
    ),
    max_size=12,
    unique_by=lambda row: row["key"],
)


@settings(deadline=None, max_examples=60)
@given(REPORTED)
def test_every_event_is_kept_or_counted_and_no_click_is_lost(rows: list[dict[str, object]]) -> None:
    reported = frame(*rows) if rows else pl.DataFrame(schema=READINGS)
    once, merged = reading_dedup.merge(reported)
    assert reading_dedup.to_events(once).height + merged == reading_dedup.count_events(reported)
    clicks = reported.filter(pl.col("source_rank") == CLICK)["key"]
    assert set(clicks) <= set(once["key"])


@settings(deadline=None, max_examples=60)
@given(REPORTED)
def test_merging_twice_changes_nothing(rows: list[dict[str, object]]) -> None:
    once, _ = reading_dedup.merge(frame(*rows) if rows else pl.DataFrame(schema=READINGS))
    again, merged = reading_dedup.merge(once)
    assert merged == 0
    assert again.sort("key").equals(once.sort("key"))
