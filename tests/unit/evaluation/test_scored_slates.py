import numpy as np
import pytest
from hypothesis import given, settings

from recsys.errors import DataError
from recsys.evaluation.scored_slates import ScoredSlates
from tests.unit.evaluation.slate_cases import flat, scored


def test_ranks_start_at_one_with_the_best_score_of_each_slate() -> None:
    slates = ScoredSlates.of([[0.1, 0.9, 0.5], [2.0, 3.0]], [[0, 1, 0], [1, 0]])
    assert slates.ranks.tolist() == [3, 1, 2, 2, 1]


def test_infinite_scores_rank_at_the_ends() -> None:
    slates = ScoredSlates.of([[-np.inf, 0.0, np.inf]], [[0, 1, 0]])
    assert slates.ranks.tolist() == [3, 2, 1]


def test_nan_score_is_refused_and_its_slate_named() -> None:
    with pytest.raises(DataError, match="1 scores are NaN, the first in slate 1"):
        ScoredSlates.of([[0.1], [0.2, float("nan")]], [[0], [1, 0]])


@pytest.mark.parametrize("label", [-1, 4])
def test_label_outside_the_grades_is_refused(label: int) -> None:
    with pytest.raises(DataError, match=r"0\.\.3"):
        ScoredSlates.of([[0.1]], [[label]])


@pytest.mark.parametrize("offsets", [[], [0], [1, 2], [0, 2, 1, 2], [0, 3]])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]) -> None:
    with pytest.raises(DataError, match="offsets"):
        ScoredSlates(np.zeros(2), np.zeros(2, dtype=np.int8), np.array(offsets, dtype=np.int64))


def test_missing_label_is_refused() -> None:
    with pytest.raises(DataError, match="1 labels for 2 scores"):
        ScoredSlates(np.zeros(2), np.zeros(1, dtype=np.int8), np.array([0, 2]))
    with pytest.raises(DataError, match="slate sizes"):
        ScoredSlates.of([[0.1, 0.2]], [[1]])


def test_slate_needs_a_click_and_a_miss_to_be_valid() -> None:
    slates = ScoredSlates.of([[1, 2], [1, 2], [1, 2], []], [[0, 0], [1, 2], [0, 3], []])
    assert slates.valid.tolist() == [False, False, True, False]


def test_ties_do_not_favour_clicks_listed_first() -> None:
    slates = flat([0.0] * 20_000, [1, 0] * 10_000, [2] * 10_000)
    assert abs(slates.ranks[slates.clicked].mean() - 1.5) < 0.02


def test_ties_are_broken_alike_for_one_seed_and_without_labels() -> None:
    scores, sizes = np.zeros(50), np.array([0, 50])
    none = ScoredSlates(scores, np.zeros(50, dtype=np.int8), sizes, seed=3)
    some = ScoredSlates(scores, np.arange(50).astype(np.int8) % 4, sizes, seed=3)
    other = ScoredSlates(scores, np.zeros(50, dtype=np.int8), sizes, seed=4)
    assert none.ranks.tolist() == some.ranks.tolist()
    assert none.ranks.tolist() != other.ranks.tolist()


@given(scored())
@settings(deadline=None, max_examples=60)
def test_ranks_are_a_permutation_that_never_puts_a_lower_score_first(slates: ScoredSlates) -> None:
    for start, end in zip(slates.offsets[:-1], slates.offsets[1:], strict=True):
        ranks, scores = slates.ranks[start:end], slates.scores[start:end]
        assert sorted(ranks.tolist()) == list(range(1, len(ranks) + 1))
        assert np.all(np.diff(scores[np.argsort(ranks)]) <= 0)


def test_top_pads_short_slates() -> None:
    slates = ScoredSlates.of([[0.1, 0.9, 0.5], [1.0], []], [[0, 1, 0], [1], []])
    top = slates.top(np.array([10, 11, 12, 13]), 2)
    assert top.tolist() == [[11, 12], [13, -1], [-1, -1]]


def test_kept_rows_stay_in_their_slates() -> None:
    slates = ScoredSlates.of([[0.1, 0.9, 0.5], [2.0], [3.0, 4.0]], [[0, 1, 2], [1], [0, 3]])
    kept = slates.keep(np.array([True, False, True, False, False, True]))
    assert kept.scores.tolist() == [0.1, 0.5, 4.0]
    assert kept.labels.tolist() == [0, 2, 3]
    assert kept.sizes.tolist() == [2, 0, 1]


def test_kept_rows_break_ties_as_before() -> None:
    slates = ScoredSlates(np.zeros(3), np.zeros(3, dtype=np.int8), np.array([0, 3]), tie_order=np.array([2, 0, 1]))
    assert slates.keep(np.array([True, False, True])).ranks.tolist() == [2, 1]
