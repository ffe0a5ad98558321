import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import HOUR
from recsys.simulate.policy import LEAST_ON_OFFER, ON_OFFER, draw_slates, mixture, on_offer

WEIGHTS = np.array([0.5, 0.3, 0.2])


def test_first_place_is_drawn_in_proportion_to_weight() -> None:
    shown = draw_slates(WEIGHTS, np.zeros((20_000, 3), dtype=bool), np.random.default_rng(0))
    share = np.bincount(shown.article[:, 0], minlength=3) / 20_000
    assert share == pytest.approx(WEIGHTS, abs=0.015)


def test_propensity_is_the_chance_given_what_stands_above() -> None:
    shown = draw_slates(WEIGHTS, np.zeros((50, 3), dtype=bool), np.random.default_rng(0))
    for article, propensity in zip(shown.article, shown.propensity, strict=True):
        first, second, _ = WEIGHTS[article]
        assert propensity == pytest.approx([first, second / (1 - first), 1.0])


def test_second_place_comes_as_often_as_its_propensity_says() -> None:
    shown = draw_slates(WEIGHTS, np.zeros((20_000, 3), dtype=bool), np.random.default_rng(1))
    after_heaviest = shown.article[shown.article[:, 0] == 0]
    assert np.mean(after_heaviest[:, 1] == 1) == pytest.approx(0.3 / 0.5, abs=0.02)


def test_read_articles_are_not_shown_again() -> None:
    read = np.array([[True, False, False], [True, True, True]])
    shown = draw_slates(WEIGHTS, read, np.random.default_rng(0))
    assert set(shown.article[0]) == {1, 2, -1}
    assert set(shown.article[1]) == {-1}
    assert shown.propensity[0, 0] == pytest.approx(WEIGHTS[shown.article[0, 0]] / 0.5)


@given(st.integers(0, 2**16), st.integers(1, 40))
@settings(deadline=None, max_examples=30)
def test_slates_hold_different_articles_without_gaps(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(count) + 0.01
    shown = draw_slates(weights / weights.sum(), rng.random((5, count)) < 0.2, rng)
    for article, propensity in zip(shown.article, shown.propensity, strict=True):
        held = article[article >= 0]
        assert len(set(held)) == len(held)
        assert np.all(article[len(held) :] == -1)
        assert np.all((propensity[: len(held)] > 0) & (propensity[: len(held)] <= 1))


def test_offer_ends_strictly_before_now_and_begins_a_day_and_a_half_ago() -> None:
    published_at = np.arange(0, 200) * HOUR
    offer = on_offer(published_at, 150 * HOUR)
    assert offer.stop == 150
    assert offer.start == 150 - max(LEAST_ON_OFFER, ON_OFFER // HOUR)


def test_offer_is_empty_before_the_first_article() -> None:
    assert on_offer(np.array([5]), 5) == slice(0, 0)


def test_mixture_favours_fresh_and_popular_and_forgets_nobody() -> None:
    published_at = np.array([0, 0, 20 * HOUR])
    weights = mixture(published_at, np.array([10.0, 0.0, 0.0]), at=21 * HOUR)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > weights[1]
    assert weights[2] > weights[1]
    assert weights[1] > 0.25 / 3 * 0.99
