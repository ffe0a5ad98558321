import contextlib
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.misfit import MisfitError
from ingest.time_values import UTC_TIMES, TimeReader

TEN = datetime(2026, 11, 26, 10, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-26T10:00:00Z",
        "2026-11-26 10:00:00 UTC",
        "2026-11-26 10:00 gmt",
        "2026-11-26T12:00:00+02:00",
        "2026-11-26T12:00:00.000000000+0200",
        "Thu, 26 Nov 2026 10:00:00 GMT",
        "Thu, 26 Nov 2026 11:00:00 +0100",
        "26 Nov 2026 10:00:00 -0000",
        "20261126T100000Z",
        "20261126100000",
        "202611261000",
        "1795687200",
        "1795687200.0",
        1_795_687_200,
        1_795_687_200.0,
        1_795_687_200_000,
        1_795_687_200_000_000,
        1_795_687_200_000_000_000,
        " 2026-11-26T10:00 ",
    ],
)
def test_forms_of_the_same_moment(written: object) -> None:
    assert UTC_TIMES.micros(written) == micros(TEN)


@pytest.mark.parametrize("written", ["2026-11-26T24:00", "2026-11-26 24:00:00Z", "2026-11-27", "20261127"])
def test_the_hour_24_is_the_next_midnight(written: str) -> None:
    assert UTC_TIMES.micros(written) == micros(datetime(2026, 11, 27, tzinfo=UTC))


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "",
        "+99:99",
        "2026-11-26T10:00:00+99:99",
        "2026-11-26T10:00:00+05:75",
        "2026-13-01",
        "20260230",
        "2026-11-26T25:00",
        "11/26/2026",
        True,
        [1],
        float("nan"),
        float("inf"),
        1e30,
    ],
)
def test_a_wrong_time_is_a_misfit(written: object) -> None:
    with pytest.raises(MisfitError, match="is not a time Attune reads"):
        UTC_TIMES.micros(written)


def test_times_without_a_zone_are_in_the_zone_given() -> None:
    copenhagen = TimeReader(ZoneInfo("Europe/Copenhagen"))
    assert copenhagen.micros("2026-11-26T11:00:00") == micros(TEN)
    assert copenhagen.micros("2026-11-26T10:00:00Z") == micros(TEN)
    assert copenhagen.micros("2026-07-01T12:00:00") == micros(datetime(2026, 7, 1, 10, tzinfo=UTC))


def test_a_pattern_reads_other_forms_beside_the_usual_ones() -> None:
    reader = TimeReader(pattern="%d.%m.%Y %H:%M")
    assert reader.micros("26.11.2026 10:00") == reader.micros("2026-11-26T10:00:00Z") == micros(TEN)


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1990, 1, 2), datetime(9999, 12, 30), timezones=ZONES))
def test_iso_text_comes_back(moment: datetime) -> None:
    assert UTC_TIMES.micros(moment.isoformat()) == micros(moment)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_misfit(text: str) -> None:
    with contextlib.suppress(MisfitError):
        assert isinstance(UTC_TIMES.micros(text), int)
