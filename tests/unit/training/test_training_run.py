"""The temporal split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import DAY, HOUR
from recsys.errors import DataError
from recsys.training.training_run import Split, split, with_clicks


def test_the_last_day_validates() -> None:
    assert split(0, 10 * DAY) == Split(0, 9 * DAY, 10 * DAY)


def test_of_a_short_log_the_last_quarter_validates() -> None:
    assert split(0, 2 * DAY) == Split(0, 2 * DAY - 12 * HOUR, 2 * DAY)
    assert split(100, 104) == Split(100, 103, 104)


@pytest.mark.parametrize("until", [100, 99, 0])
def test_nothing_before_the_cut_off_is_an_error(until: int) -> None:
    with pytest.raises(DataError, match=r"before 1970-01-01T00:00:00.* later --until"):
        split(100, until)


def test_the_last_day_with_clicks_validates_if_the_last_day_has_none() -> None:
    when = split(0, 10 * DAY)
    assert with_clicks(when, np.asarray([DAY, 5 * DAY, 6 * DAY])) == Split(0, 5 * DAY + 1, 10 * DAY)


def test_of_clicks_on_the_last_day_alone_the_last_quarter_validates() -> None:
    clicked = 9 * DAY + np.arange(1, 9) * HOUR
    moved = with_clicks(split(0, 10 * DAY), clicked)
    assert 0 < (clicked < moved.validate_from).sum() < len(clicked)


def test_a_split_with_clicks_in_both_slices_stays() -> None:
    when = split(0, 10 * DAY)
    assert with_clicks(when, np.asarray([DAY, 9 * DAY + HOUR])) is when


@given(st.lists(st.integers(0, 10**6), min_size=2, unique=True), st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_both_slices_have_clicks_whenever_two_times_differ(times: list[int], more: int) -> None:
    clicked = np.sort(np.asarray(times, dtype=np.int64))
    when = with_clicks(split(0, int(clicked[-1]) + 1 + more), clicked)
    assert 0 < (clicked < when.validate_from).sum() < len(clicked)


@given(st.integers(0, 50 * DAY), st.integers(1, 50 * DAY))
@settings(deadline=None, max_examples=60)
def test_blocks_cover_the_fit_slice_without_gap_or_overlap(first: int, length: int) -> None:
    when = split(first, first + length)
    blocks = when.blocks()
    assert first <= when.validate_from <= when.until == first + length
    assert [end for _, end in blocks[:-1]] == [start for start, _ in blocks[1:]]
    assert all(0 < end - start <= DAY for start, end in blocks)
    if blocks:
        assert (blocks[0][0], blocks[-1][1]) == (first, when.validate_from)
