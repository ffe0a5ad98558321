"""Times of pages whose clock is wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.page_times import LARGEST_DIFFERENCE, clock_offset, corrected_events
from ingest.time_values import UTC_TIMES
from recsys.domain import DAY, HOUR, MINUTE

NOW = UTC_TIMES.micros("2026-11-27T12:00:00Z")


def iso(at: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()


def corrected(at: object, sent_at: int | None) -> int:
    [event] = corrected_events([{"id": "e", "at": at}], sent_at, NOW)
    assert isinstance(event, dict)
    return UTC_TIMES.micros(event["at"])


@pytest.mark.parametrize("wrong", [3 * HOUR, -3 * HOUR, 20 * 365 * DAY, LARGEST_DIFFERENCE + 1, 2 - NOW + MINUTE])
def test_a_wrong_clock_is_corrected_by_the_time_of_sending(wrong: int) -> None:
    assert corrected(iso(NOW - MINUTE + wrong), NOW + wrong) == NOW - MINUTE


@pytest.mark.parametrize("wrong", [0, LARGEST_DIFFERENCE, -LARGEST_DIFFERENCE])
def test_clocks_that_agree_change_no_time(wrong: int) -> None:
    assert clock_offset(NOW + wrong, NOW) == 0
    assert corrected(iso(NOW - MINUTE), NOW + wrong) == NOW - MINUTE


def test_without_the_time_of_sending_no_time_is_later_than_the_receipt() -> None:
    assert corrected(iso(NOW + DAY), None) == NOW
    assert corrected(iso(NOW - DAY), None) == NOW - DAY


@pytest.mark.parametrize("at", ["yesterday", True, [], {}, float("nan"), 1e30])
def test_a_time_that_cannot_be_read_is_left_to_the_check_of_the_row(at: object) -> None:
    event = {"id": "e", "at": at}
    assert corrected_events([event, "text", {"id": "f"}], NOW + DAY, NOW) == [event, "text", {"id": "f"}]


@given(at=st.integers(-(10**18), 10**18), sent_at=st.none() | st.integers(-(10**17), 10**18))
def test_every_corrected_time_lies_between_1970_and_the_receipt(at: int, sent_at: int | None) -> None:
    assert 0 <= corrected(at, sent_at) <= NOW
