import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from recsys.evaluation.metrics import RANKING, auc, mean, mrr, ndcg, read_weighted_ndcg
from recsys.evaluation.scored_slates import ScoredSlates
from tests.unit.evaluation.slate_cases import rows, scored

PROPERTY = settings(deadline=None, max_examples=80)


def one(scores: list[float], labels: list[int]) -> ScoredSlates:
    return ScoredSlates.of([scores], [labels])


@given(scored())
@PROPERTY
def test_auc_agrees_with_scikit_learn(slates: ScoredSlates) -> None:
    ours = auc(slates)
    for slate in np.flatnonzero(slates.valid):
        scores, labels = rows(slates, slate)
        assert ours[slate] == pytest.approx(roc_auc_score(labels > 0, scores), abs=1e-12)


@given(scored(distinct=True), st.sampled_from([1, 5, 10]))
@PROPERTY
def test_ndcg_agrees_with_scikit_learn(slates: ScoredSlates, k: int) -> None:
    binary, graded = ndcg(slates, k), read_weighted_ndcg(slates, k)
    for slate in np.flatnonzero(slates.valid):
        scores, labels = rows(slates, slate)
        assert binary[slate] == pytest.approx(ndcg_score([labels > 0], [scores], k=k), abs=1e-12)
        assert graded[slate] == pytest.approx(ndcg_score([labels], [scores], k=k), abs=1e-12)


@given(scored(max_slates=1), st.randoms())
@PROPERTY
def test_permuting_candidates_does_not_change_auc(slates: ScoredSlates, random: Random) -> None:
    order = list(range(len(slates.scores)))
    random.shuffle(order)
    shuffled = ScoredSlates(slates.scores[order], slates.labels[order], slates.offsets)
    np.testing.assert_allclose(auc(shuffled), auc(slates), atol=1e-12)


@given(scored())
@PROPERTY
def test_every_ranking_metric_lies_in_the_unit_interval_and_is_blank_where_invalid(slates: ScoredSlates) -> None:
    for metric in RANKING.values():
        values = metric(slates)
        assert np.array_equal(np.isnan(values), ~slates.valid)
        assert np.all((values[slates.valid] >= 0) & (values[slates.valid] <= 1 + 1e-12))


@given(scored(distinct=True))
@PROPERTY
def test_adding_a_slate_does_not_move_the_others(slates: ScoredSlates) -> None:
    alone = ScoredSlates.of([[0.5, 0.1]], [[0, 1]])
    both = ScoredSlates(
        np.concatenate([slates.scores, alone.scores]),
        np.concatenate([slates.labels, alone.labels]),
        np.append(slates.offsets, slates.offsets[-1] + 2),
    )
    for metric in RANKING.values():
        np.testing.assert_allclose(metric(both), np.concatenate([metric(slates), metric(alone)]))


@given(scored(), st.sampled_from([1, 3, 10]))
@PROPERTY
def test_metrics_equal_their_formulas_written_as_loops(slates: ScoredSlates, k: int) -> None:
    """With ties: the loops take the ranks as given and know nothing of the vectorised sums."""
    computed = (mrr(slates), ndcg(slates, k), read_weighted_ndcg(slates, k))
    for slate in np.flatnonzero(slates.valid):
        span = slice(slates.offsets[slate], slates.offsets[slate + 1])
        ranks, labels = slates.ranks[span].tolist(), slates.labels[span].tolist()
        expected = (
            sum(1 / rank for rank, label in zip(ranks, labels, strict=True) if label) / sum(map(bool, labels)),
            gain_by_loop(ranks, [int(label > 0) for label in labels], k),
            gain_by_loop(ranks, labels, k),
        )
        assert [values[slate] for values in computed] == pytest.approx(expected)


def gain_by_loop(ranks: list[int], gains: list[int], k: int) -> float:
    def dcg(ordered: list[int]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(ordered[:k]))

    by_rank = [gain for _, gain in sorted(zip(ranks, gains, strict=True))]
    return dcg(by_rank) / dcg(sorted(gains, reverse=True))


def test_all_tied_scores_give_auc_of_half() -> None:
    assert auc(one([1, 1, 1, 1], [0, 1, 0, 0])).tolist() == [0.5]


def test_tie_with_one_miss_of_two_gives_three_quarters() -> None:
    assert auc(one([2, 2, 1], [1, 0, 0])).tolist() == [0.75]


def test_equal_scores_of_neighbouring_slates_are_not_tied() -> None:
    slates = ScoredSlates.of([[1, 2], [2, 1]], [[0, 1], [1, 0]])
    assert auc(slates).tolist() == [1.0, 1.0]


def test_click_on_second_rank_gives_reciprocal_rank_of_half() -> None:
    assert mrr(one([3, 2, 1], [0, 1, 0])).tolist() == [0.5]


def test_mrr_averages_over_all_clicks_as_mind_does() -> None:
    assert mrr(one([4, 3, 2, 1], [1, 0, 0, 1]))[0] == pytest.approx((1 + 1 / 4) / 2)


def test_second_relevant_of_two_gives_half_a_discount() -> None:
    assert ndcg(one([2, 1], [0, 1]), 5)[0] == pytest.approx(1 / math.log2(3))


def test_click_below_the_cut_gains_nothing() -> None:
    assert ndcg(one([3, 2, 1], [0, 0, 1]), 2).tolist() == [0.0]


def test_more_clicks_than_the_cut_can_still_be_perfect() -> None:
    assert ndcg(one([5, 4, 3, 2, 1], [1, 1, 1, 1, 0]), 2)[0] == pytest.approx(1.0)


def test_deep_read_above_bounce_beats_the_reverse() -> None:
    right = read_weighted_ndcg(one([3, 2, 1], [3, 1, 0]), 10)[0]
    wrong = read_weighted_ndcg(one([2, 3, 1], [3, 1, 0]), 10)[0]
    assert right == pytest.approx(1.0)
    ideal = 3 + 1 / math.log2(3)
    assert wrong == pytest.approx((1 + 3 / math.log2(3)) / ideal)


def test_mean_skips_impressions_that_cannot_be_judged() -> None:
    assert mean(np.array([0.5, np.nan, 1.0])) == 0.75
    assert math.isnan(mean(np.array([np.nan])))


def test_no_slates_give_no_values() -> None:
    nothing = ScoredSlates.of([], [])
    assert all(len(metric(nothing)) == 0 for metric in RANKING.values())
