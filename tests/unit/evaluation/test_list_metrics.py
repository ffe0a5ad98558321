import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import DAY, HOUR
from recsys.evaluation.metrics import coverage, fresh_share, intra_list_diversity, novelty, topic_divergence


def test_coverage_counts_each_listed_article_once() -> None:
    assert coverage(np.array([[0, 1], [1, -1]]), catalogue=4) == 0.5


def test_coverage_of_no_catalogue_is_unknown() -> None:
    assert math.isnan(coverage(np.zeros((0, 2), dtype=np.int64), catalogue=0))


def test_orthogonal_articles_have_diversity_one_and_equal_ones_none() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 5.0], [2.0, 0.0]])
    assert intra_list_diversity(np.array([[0, 1], [0, 2]]), vectors) == pytest.approx([1.0, 0.0])


def test_diversity_leaves_out_articles_without_a_vector() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    with_unknown = intra_list_diversity(np.array([[0, 1, 2], [0, 2, -1]]), vectors)
    assert with_unknown[0] == pytest.approx(1.0)
    assert math.isnan(with_unknown[1])


@given(st.integers(2, 6), st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_diversity_equals_the_mean_over_all_pairs(k: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(k, 3)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [1 - units[i] @ units[j] for i in range(k) for j in range(i)]
    assert intra_list_diversity(np.arange(k)[None], vectors)[0] == pytest.approx(np.mean(pairs), abs=1e-5)


def test_rarer_articles_are_more_novel() -> None:
    found = novelty(np.array([[0, -1], [1, -1], [0, 1], [-1, -1]]), np.array([6.0, 0.0]))
    assert found[:3] == pytest.approx([-math.log2(7 / 8), 3.0, (3.0 - math.log2(7 / 8)) / 2])
    assert math.isnan(found[3])


def test_list_with_the_readers_own_mix_diverges_by_nothing() -> None:
    assert topic_divergence(np.array([[4.0, 4.0]]), np.array([[0, 1]])) == pytest.approx([0.0])


def test_missing_topic_costs_as_in_the_smoothed_formula() -> None:
    # p = (½, ½), q = (1, 0), so q̃ = (0.995, 0.005)
    expected = 0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005)
    assert topic_divergence(np.array([[1.0, 1.0]]), np.array([[0, 0]])) == pytest.approx([expected])


def test_divergence_is_unknown_without_a_past_or_a_list() -> None:
    found = topic_divergence(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0], [-1]]))
    assert np.isnan(found).all()


@given(st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_divergence_is_never_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = topic_divergence(rng.random((5, 4)), rng.integers(-1, 4, size=(5, 6)))
    assert np.all(found[~np.isnan(found)] >= 0)


def test_fresh_share_counts_articles_of_the_last_day() -> None:
    available_at = np.array([0, DAY, DAY + HOUR])
    at = np.array([DAY + 2 * HOUR, DAY])
    found = fresh_share(np.array([[0, 1, 2, -1], [0, -1, -1, -1]]), available_at, at)
    assert found == pytest.approx([2 / 3, 1.0])
    assert math.isnan(fresh_share(np.array([[-1]]), available_at, at[:1])[0])
