"""The ages that a log supports, and how scores fade beyond them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import HOUR
from recsys.errors import BundleError
from recsys.ranking.age_support import EVERY_AGE, REACH, AgeSupport, SupportedAges
from recsys.state.live_state import LiveState
from tests.unit.feed.newsrooms import NOW, folded, papers, shown

SUPPORT = AgeSupport(
    SupportedAges(10.0, 0.05), {"Sport": SupportedAges(4.0, 0.2), "gone": SupportedAges(1.0, 9.0)}
)


@pytest.fixture(scope="module")
def state() -> LiveState:
    """Articles a000, a001, …, of 40 hours to 1 hour; every fourth is sport. `undated` was never available."""
    return folded([*papers(), *papers(1, id="undated", published_at=None, category=None)])


def rows(state: LiveState, *ids: str) -> np.ndarray:
    return state.rows_of(ids)


def test_only_hours_beyond_the_support_cost_log_odds(state: LiveState) -> None:
    young_sport, old_sport, young_world, old_world = rows(state, "a036", "a032", "a033", "a013")
    found = SUPPORT.log_odds(state, np.asarray([young_sport, old_sport, young_world, old_world]), NOW)
    np.testing.assert_allclose(found, [0.0, -0.2 * (8 - 4), 0.0, -0.05 * (27 - 10)])


def test_within_the_support_categories_differ_by_what_the_rankers_miss(state: LiveState) -> None:
    missing = replace(SUPPORT, missed=0.5)
    young_sport, old_sport, young_world, old_world = rows(state, "a036", "a032", "a033", "a013")
    found = missing.log_odds(state, np.asarray([young_sport, old_sport, young_world, old_world]), NOW)
    own = 0.5 * (0.2 - 0.05)
    np.testing.assert_allclose(found, [-own * 4, -own * 4 - 0.2 * (8 - 4), 0.0, -0.05 * (27 - 10)])


def test_an_article_without_a_time_or_category_does_not_fade(state: LiveState) -> None:
    undated = rows(state, "undated")
    assert SUPPORT.log_odds(state, undated, NOW).tolist() == [0.0]
    assert SUPPORT.within_reach(state, undated, NOW).all()


def test_an_undated_article_ages_from_when_it_was_first_shown() -> None:
    state = folded(
        [*papers(), *papers(1, id="undated", published_at=None, category=None)],
        slates=[shown("q", "undated", ago=12 * HOUR)],
    )
    np.testing.assert_allclose(SUPPORT.log_odds(state, rows(state, "undated"), NOW), [-0.05 * 2])


def test_the_reach_is_by_category(state: LiveState) -> None:
    everything = rows(state, *(f"a{i:03}" for i in range(40)))
    near = SUPPORT.within_reach(state, everything, NOW)
    hours = np.arange(40, 0, -1)
    sport = np.arange(40) % 4 == 0
    np.testing.assert_array_equal(near, hours <= REACH * np.where(sport, 4.0, 10.0))


def test_models_that_know_no_ages_reach_every_article(state: LiveState) -> None:
    everything = rows(state, "undated", *(f"a{i:03}" for i in range(40)))
    assert EVERY_AGE.within_reach(state, everything, NOW + 10_000 * HOUR).all()
    assert not EVERY_AGE.log_odds(state, everything, NOW + 10_000 * HOUR).any()


@given(st.integers(1, 500), st.integers(0, 500))
def test_scores_never_rise_with_age(state: LiveState, hours: int, more: int) -> None:
    article = rows(state, "a039")
    young, old = (SUPPORT.log_odds(state, article, NOW + each * HOUR)[0] for each in (hours, hours + more))
    assert old <= young <= 0


@pytest.mark.parametrize("later", [10 * HOUR, 100 * HOUR, 20_000 * HOUR])
def test_without_news_time_stands_still_at_the_end_of_the_support_of_the_newest_article(
    state: LiveState, later: int
) -> None:
    everything = rows(state, "undated", *(f"a{i:03}" for i in range(40)))
    newest = NOW - HOUR
    end, missing = newest + 10 * HOUR, replace(SUPPORT, missed=0.5)
    expected = missing.log_odds(state, everything, end)
    np.testing.assert_allclose(missing.log_odds(state, everything, newest + later), expected)
    np.testing.assert_array_equal(
        missing.within_reach(state, everything, newest + later), missing.within_reach(state, everything, end)
    )
    assert expected.min() > -10.0


def test_an_article_under_embargo_is_no_news_yet() -> None:
    state = folded([*papers(), *papers(1, id="embargo", published_at=NOW + 1_000 * HOUR)])
    later = NOW + 500 * HOUR
    np.testing.assert_allclose(
        SUPPORT.log_odds(state, rows(state, "a038"), later),
        SUPPORT.log_odds(state, rows(state, "a038"), NOW + 9 * HOUR),
    )


def test_a_manifest_keeps_it() -> None:
    assert AgeSupport.of("v", SUPPORT.as_dict()) == SUPPORT
    assert AgeSupport.of("v", replace(SUPPORT, missed=0.3).as_dict()).missed == 0.3
    assert AgeSupport.of("v", None) is EVERY_AGE


def test_a_bundle_from_before_the_share_was_measured_misses_nothing() -> None:
    entry = {name: value for name, value in SUPPORT.as_dict().items() if name != "missed"}
    assert AgeSupport.of("v", entry) == SUPPORT


@pytest.mark.parametrize(
    "entry",
    [
        {},
        [],
        {"overall": {"hours": 1, "fading": 0}},
        {"overall": {"hours": 1}, "categories": {}},
        {"overall": {"hours": -1, "fading": 0}, "categories": {}},
        {"overall": {"hours": 1, "fading": float("nan")}, "categories": {}},
        {"overall": {"hours": "x", "fading": 0}, "categories": {}},
        {"overall": {"hours": 1, "fading": 0}, "categories": {}, "missed": 1.5},
    ],
)
def test_a_damaged_entry_is_refused(entry: object) -> None:
    with pytest.raises(BundleError, match="train a new bundle"):
        AgeSupport.of("v", entry)
