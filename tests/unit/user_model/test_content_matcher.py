from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.user_model.content_matcher import ContentMatcher, mean_match
from recsys.user_model.matcher import ReadHistory
from tests.unit.user_model.cases import reads, units


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 12), seed=st.integers(0, 99), beta=st.floats(0.1, 200))
def test_the_match_lies_between_the_weighted_mean_and_the_nearest(n: int, seed: int, beta: float) -> None:
    history, candidates = reads(n, seed), units(7, seed + 1)
    cosines = candidates @ history.vectors.T
    matcher = ContentMatcher(beta)
    scores, weights = matcher.match(history, candidates, 0).scores, np.exp(matcher.prior(history))
    assert (scores <= cosines.max(axis=1) + 1e-6).all()
    assert (scores >= cosines @ (weights / weights.sum()) - 1e-6).all()


def test_a_low_temperature_is_the_nearest_a_high_one_the_mean() -> None:
    history, candidates = reads(5), units(4, 1)
    cosines = candidates @ history.vectors.T
    sharp, soft = (
        ContentMatcher(beta, dwell_weight=0.0).match(history, candidates, 0).scores for beta in (1e5, 1e-4)
    )
    np.testing.assert_allclose(sharp, cosines.max(axis=1), atol=1e-4)
    np.testing.assert_allclose(soft, mean_match(history, candidates), atol=1e-4)


def test_one_read_is_matched_by_its_cosine() -> None:
    history, candidates = reads(1), units(3, 1)
    scores = ContentMatcher().match(history, candidates, 0).scores
    np.testing.assert_allclose(scores, (candidates @ history.vectors.T)[:, 0], atol=1e-6)


def test_attention_sums_to_one_and_goes_to_the_similar_read() -> None:
    history = reads(4)
    attention = ContentMatcher().match(history, history.vectors[2:3], 0).attention
    assert attention.sum() == pytest.approx(1.0)
    assert attention.argmax() == 2


def test_without_history_all_score_zero() -> None:
    match = ContentMatcher().match(reads(0), units(3), 0)
    assert match.scores.tolist() == mean_match(reads(0), units(3)).tolist() == [0, 0, 0]
    assert len(match.attention) == 0


def test_without_candidates_there_are_no_scores() -> None:
    assert len(ContentMatcher().match(reads(2), units(0), 0).scores) == 0


def test_queries_are_the_last_reads_newest_first() -> None:
    history = reads(6)
    assert np.array_equal(ContentMatcher().interests(history, 0), history.vectors[[5, 4, 3, 2]])
    assert len(ContentMatcher().interests(reads(0), 0)) == 0


def scores(history: ReadHistory) -> np.ndarray:
    return ContentMatcher().match(history, units(7, 1), 0).scores


def test_without_known_dwell_or_noise_all_reads_count_alike() -> None:
    history = reads(5)
    plain = ContentMatcher(dwell_weight=0.0).match(history, units(7, 1), 0).scores
    np.testing.assert_array_equal(scores(replace(history, quantile=np.full(5, np.nan))), plain)
    np.testing.assert_array_equal(scores(replace(history, noise=0.0)), plain)


def test_the_long_reads_of_a_noisy_reader_count_more() -> None:
    history = replace(reads(3), quantile=np.asarray([1 / 3, 2 / 3, 1.0]))
    nearness = [
        ContentMatcher().match(replace(history, noise=noise), history.vectors[2:], 0).attention[2]
        for noise in (0.1, 0.5, 1.0)
    ]
    assert nearness == sorted(nearness)
    assert nearness[0] < nearness[2]


def test_a_read_of_unknown_dwell_weighs_as_the_middle_one() -> None:
    weights = ContentMatcher().prior(replace(reads(4), quantile=np.asarray([0.25, 0.5, 1.0, np.nan]), noise=0.3))
    assert weights[3] == weights[1]
    assert weights[0] < weights[1] < weights[2] == 0


def test_leaving_a_read_out_keeps_the_others() -> None:
    history = reads(3)
    rest = history.without(1)
    assert isinstance(rest, ReadHistory)
    assert np.array_equal(rest.vectors, history.vectors[[0, 2]])
    np.testing.assert_array_equal(rest.seconds, history.seconds[[0, 2]])
    assert rest.age.tolist() == [3, 1]
    assert rest.noise == history.noise
    np.testing.assert_array_equal(rest.quantile, history.quantile[[0, 2]])
