from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.timestamps import to_micros

MOMENT = 1_684_393_203_000_000  # 2023-05-18T07:00:03Z


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-18T07:00:03Z",
        "2023-05-18 07:00:03",
        "2023-05-18T09:00:03+02:00",
        "2023-05-18T09:00:03+0200",
        "2023-05-18T04:00:03 -03",
        " 2023-05-18T07:00:03.000000Z ",
        "1684393203",
        "1684393203.0",
        "1684393203000",
        "1684393203000000",
    ],
)
def test_ways_to_write_the_same_moment(text: str) -> None:
    assert to_micros(pl.Series([text])).to_list() == [MOMENT]


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2023-02-30", "2023-05-18T25:00:00", "2023-05-18T07:61", "1e9x", "9" * 30]
)
def test_text_that_is_no_time_gives_null(text: str) -> None:
    assert to_micros(pl.Series([text])).to_list() == [None]


def test_fractions_beyond_microseconds_are_cut() -> None:
    assert to_micros(pl.Series(["2023-05-18T07:00:03.1234567"])).to_list() == [MOMENT + 123_456]


def test_a_date_is_its_first_moment_in_utc() -> None:
    midnight = 1_684_368_000_000_000
    assert to_micros(pl.Series([date(2023, 5, 18)])).to_list() == [midnight]
    assert to_micros(pl.Series(["2023-05-18"])).to_list() == [midnight]


def test_datetime_columns_naive_and_with_zone() -> None:
    naive = pl.Series([datetime(2023, 5, 18, 7, 0, 3)], dtype=pl.Datetime("ms"))
    zoned = naive.dt.replace_time_zone("Europe/Copenhagen")
    assert to_micros(naive).to_list() == [MOMENT]
    assert to_micros(zoned).to_list() == [MOMENT - 2 * 3_600 * 1_000_000]


def test_floats_that_are_not_finite_give_null() -> None:
    assert to_micros(pl.Series([float("nan"), float("inf"), 1e300, None])).to_list() == [None] * 4


def test_types_without_time_give_null() -> None:
    assert to_micros(pl.Series([True, False])).to_list() == [None, None]


@settings(deadline=None, max_examples=60)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_iso_text_round_trips(moment: datetime, zone: timezone) -> None:
    utc = moment.replace(tzinfo=UTC)
    expected = (utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert to_micros(pl.Series([utc.astimezone(zone).isoformat()])).to_list() == [expected]


@settings(deadline=None, max_examples=60)
@given(st.integers(631_152_000, 4_000_000_000))
def test_seconds_milliseconds_and_microseconds_are_distinguished(seconds: int) -> None:
    column = pl.Series([seconds, seconds * 10**3, seconds * 10**6])
    assert set(to_micros(column).to_list()) == {seconds * 10**6}
    assert set(to_micros(column.cast(pl.String)).to_list()) == {seconds * 10**6}
