"""The geometry of charts stays inside of their frame and is true to the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.now_pages import quantile
from api.console.svg_charts import WIDTH, Range, bar_chart, range_chart


@given(st.lists(st.floats(0, 1e12, allow_nan=False), max_size=60))
def test_bars_stay_in_the_frame_and_grow_with_their_values(values: list[float]) -> None:
    chart = bar_chart("t", [str(i) for i in range(len(values))], values)
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 0.1 for bar in chart.bars)
    assert all(bar.y >= 0 and bar.y + bar.height <= chart.height for bar in chart.bars)
    by_value = sorted(zip(values, [bar.height for bar in chart.bars], strict=True))
    assert [height for _, height in by_value] == sorted(height for _, height in by_value)


def test_a_chart_says_its_newest_and_highest_value() -> None:
    assert bar_chart("Feeds", ["8:00", "9:00"], [30.0, 12.0]).summary == "Feeds: newest 12, highest 30"
    assert bar_chart("Feeds", [], []).summary == "Feeds: none"


def test_names_and_values_must_agree() -> None:
    with pytest.raises(ValueError, match="1 names and 2 values"):
        bar_chart("t", ["a"], [1.0, 2.0])


@given(st.lists(st.tuples(*[st.floats(-10, 10)] * 3), min_size=1, max_size=20))
def test_a_mean_lies_inside_of_its_drawn_interval(given_: list[tuple[float, float, float]]) -> None:
    ranges = [Range(str(i), middle, low, high) for i, (low, middle, high) in enumerate(map(sorted, given_))]
    for row in range_chart("t", ranges).rows:
        assert 0 <= row.left <= row.middle <= row.right <= WIDTH


def test_the_axis_of_intervals_shows_zero_where_they_cross_it() -> None:
    chart = range_chart("t", [Range("a", 0.1, -0.2, 0.4)])
    assert [mark.text for mark in chart.marks] == ["-0.20", "0.00", "0.40"]
    row = chart.rows[0]
    assert chart.marks[1].at == pytest.approx(row.left + (row.right - row.left) / 3, abs=0.1)


@pytest.mark.parametrize(
    ("below", "share", "expected"),
    [
        ([], 0.5, None),
        ([(1.0, 0), (float("inf"), 0)], 0.5, None),
        ([(1.0, 10), (2.0, 10), (float("inf"), 10)], 0.5, 0.5),
        ([(1.0, 0), (2.0, 10), (float("inf"), 10)], 0.5, 1.5),
        ([(1.0, 0), (2.0, 0), (float("inf"), 10)], 0.99, 2.0),
    ],
)
def test_quantiles_of_buckets(below: list[tuple[float, int]], share: float, expected: float | None) -> None:
    assert quantile(below, share) == expected
