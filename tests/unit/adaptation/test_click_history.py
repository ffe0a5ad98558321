from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsys.adaptation.click_history import SESSION, ClickHistory
from recsys.domain import MINUTE

CLICKS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 200), st.integers(0, 3)), max_size=30
)


def history(clicks: list[tuple[str, int, int, int]]) -> tuple[ClickHistory, list[tuple[str, int, int, int]]]:
    rows = [(reader, row, at * MINUTE, (at + late) * MINUTE) for reader, row, at, late in clicks]
    schema = {"reader": pl.String, "row": pl.Int64, "at": pl.Int64, "known_at": pl.Int64}
    return ClickHistory.of(pl.DataFrame(rows, schema=schema, orient="row")), rows


@given(CLICKS, st.lists(st.tuples(st.sampled_from("abx"), st.integers(0, 210)), max_size=6))
def test_reads_are_the_newest_clicks_known_before(
    clicks: list[tuple[str, int, int, int]], moments: list[tuple[str, int]]
) -> None:
    made, rows = history(clicks)
    at = np.asarray([minute * MINUTE for _, minute in moments], dtype=np.int64)
    found = made.reads_before([reader for reader, _ in moments], at, 4)
    for line, (reader, minute) in zip(found, moments, strict=True):
        own = sorted((known, at, row) for who, row, at, known in rows if who == reader and known < minute * MINUTE)
        expected = [row for _, _, row in own[::-1][:4]]
        assert line.tolist() == expected + [-1] * (4 - len(expected))


@given(CLICKS, st.integers(0, 210))
def test_articles_are_together_when_one_click_follows_the_other_in_a_session(
    clicks: list[tuple[str, int, int, int]], before: int
) -> None:
    made, rows = history(clicks)
    expected = {}
    for who in "abc":
        own = sorted(
            ((at, known, row) for reader, row, at, known in rows if reader == who and known < before * MINUTE)
        )
        for (at, _, row), (next_at, _, next_row) in pairwise(own):
            if row != next_row and next_at - at <= SESSION:
                pair = (min(row, next_row), max(row, next_row))
                expected[pair] = min(next_at, expected.get(pair, next_at))
    found = [(one, other) for one, other in made.read_together(before * MINUTE).tolist()]
    assert len(found) == len(expected)
    assert found == sorted(expected, key=lambda pair: (expected[pair], pair))
