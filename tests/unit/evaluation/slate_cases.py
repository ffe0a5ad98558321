"""Hypothesis strategies and builders shared by the tests of metrics."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.evaluation.scored_slates import ScoredSlates


@st.composite
def scored(draw: st.DrawFn, distinct: bool = False, max_slates: int = 6) -> ScoredSlates:
    """Slates of 0–12 candidates on a coarse grid of scores, so that ties are common unless `distinct`."""
    sizes = draw(st.lists(st.integers(0, 12), min_size=1, max_size=max_slates))
    total = sum(sizes)
    if distinct:
        order = draw(st.permutations(range(total)))
        scores = [place / 7 - 3 for place in order]
    else:
        scores = [place / 2 for place in draw(_numbers(total, -4, 4))]
    labels = draw(_numbers(total, 0, 3))
    return flat(scores, labels, sizes)


def _numbers(count: int, low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


def flat(scores: list[float], labels: list[int], sizes: list[int]) -> ScoredSlates:
    return ScoredSlates(
        np.array(scores, dtype=np.float64),
        np.array(labels, dtype=np.int8),
        np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
    )


def rows(slates: ScoredSlates, slate: np.integer) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Scores and labels of one slate."""
    span = slice(int(slates.offsets[slate]), int(slates.offsets[slate + 1]))
    return slates.scores[span], slates.labels[span]
