import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.state.elo import FAST, RATES, SLOW, EloRatings
from recsys.state.exposures import AttributedClick


def learnt(*choices: tuple[list[int], int], rows: int = 8) -> EloRatings:
    ratings = EloRatings()
    ratings.reserve(rows)
    for slate, chosen in choices:
        ratings.learn(AttributedClick(slate, [0] * len(slate), slate.index(chosen)))
    return ratings


def test_the_first_choice_moves_ratings_by_the_rate_times_the_surprise() -> None:
    ratings = learnt(([1, 2, 3, 4], 3))
    for column, rate in enumerate(RATES):
        assert ratings.articles[1:5, column] == pytest.approx(rate * np.asarray([-0.25, -0.25, 0.75, -0.25]))
    assert not ratings.articles[[0, 5]].any()


def test_a_second_choice_moves_ratings_by_what_the_first_left_unexpected() -> None:
    ratings = learnt(([1, 2], 1), ([1, 2], 1)).articles
    for column, rate in enumerate(RATES):
        expected = 1 / (1 + np.exp(-rate))
        assert ratings[1, column] == pytest.approx(rate * (0.5 + 1 - expected))


def test_no_slate_and_a_slate_of_one_teach_nothing() -> None:
    ratings = learnt(([1], 1))
    ratings.learn(None)
    assert not ratings.articles.any()


def test_a_place_that_few_look_at_was_expected_to_be_chosen_less() -> None:
    ratings = EloRatings()
    ratings.reserve(8)
    ratings.learn(AttributedClick([1, 2], [1, 9], 0))
    far = 9**-0.35
    assert ratings.articles[2, FAST] == pytest.approx(-RATES[FAST] * far / (1 + far))


def test_beating_a_strong_article_counts_more_than_beating_a_weak_one() -> None:
    made_strong = [([1, 2], 1)] * 5
    beat_strong = learnt(*made_strong, ([1, 3], 3)).articles[3]
    beat_weak = learnt(*made_strong, ([2, 3], 3)).articles[3]
    assert (beat_strong > beat_weak).all()


def test_the_fast_rating_forgets_sooner() -> None:
    ratings = learnt(*[([1, 2], 1)] * 12, *[([1, 2], 2)] * 3).articles
    assert ratings[1, SLOW] > ratings[2, SLOW]
    assert ratings[1, FAST] < ratings[2, FAST]


_slates = st.lists(st.integers(0, 7), min_size=2, max_size=8, unique=True)
_choices = _slates.flatmap(lambda slate: st.tuples(st.just(slate), st.sampled_from(slate)))


@settings(deadline=None, max_examples=50)
@given(choices=st.lists(_choices, max_size=30))
def test_ratings_stay_finite_and_sum_to_zero(choices: list[tuple[list[int], int]]) -> None:
    ratings = learnt(*choices).articles
    assert np.isfinite(ratings).all()
    np.testing.assert_allclose(ratings.sum(axis=0), 0.0, atol=1e-9)


def test_ratings_survive_growth() -> None:
    ratings = learnt(([1, 2], 1))
    before = ratings.articles.copy()
    ratings.reserve(1_000)
    np.testing.assert_array_equal(ratings.articles[: len(before)], before)
    assert len(ratings.articles) >= 1_000
