"""A slate from scores: caps, exploration, and propensities that are true."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.feed.selection.caps import MAX_SHARE, WORTH_EXCEEDING, Cap
from recsys.feed.selection.exploration import NO_EXPLORATION, Exploration
from recsys.feed.selection.mmr import best_first
from recsys.feed.selection.open_positions import SlatePlan, apply_caps
from recsys.feed.selection.slate_selection import Selection, fill, fill_slate


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def compose(
    scores: np.ndarray, categories: np.ndarray, limit: int, explore: float, rng: np.random.Generator
) -> Selection:
    cap = Cap(categories, np.full(int(categories.max(initial=-1)) + 1, MAX_SHARE))
    return fill_slate(best_first(scores), [cap], limit, Exploration(explore), rng)


def test_without_exploration_the_best_come_first_and_are_certain() -> None:
    slate = compose(np.asarray([0.1, 3.0, 2.0]), np.asarray([0, 1, 2]), 3, 0.0, rng())
    assert slate.places == [1, 2, 0]
    assert slate.propensities == [1.0, 1.0, 1.0]
    assert not any(slate.draws)


def test_equal_scores_keep_the_order_of_the_candidates() -> None:
    assert compose(np.zeros(4), np.arange(4), 4, 0.0, rng()).places == [0, 1, 2, 3]


def test_no_category_takes_the_slate_over_while_others_are_left() -> None:
    categories = np.asarray([0] * 10 + [1] * 10)
    slate = compose(np.arange(20, 0, -1.0), categories, 10, 0.0, rng())
    assert slate.places == [0, 1, 2, 3, 10, 11, 12, 13, 4, 5]
    assert (categories[slate.places[:8]] == 0).sum() <= np.ceil(10 * MAX_SHARE)


def open_slate(worth: list[float], categories: list[int], sources: list[int] | None = None) -> list[int]:
    """Return the slate of four under a cap of half for each category, and a firm cap of half for each source."""
    codes = np.asarray(categories)
    limits = [Cap(codes, np.full(int(codes.max()) + 1, 0.5), firm=False)]
    if sources is not None:
        limits.append(Cap(np.asarray(sources), np.full(max(sources) + 1, 0.5)))
    utilities = np.asarray(worth)
    plan = SlatePlan(best_first(utilities), limits, 4, NO_EXPLORATION, utilities=utilities)
    return fill(plan, rng()).places


def test_an_article_above_the_cap_of_its_category_stays_if_it_is_worth_that_much_more() -> None:
    assert open_slate([0.9, 0.8, 0.7, 0.5, 0.4], [0, 0, 0, 1, 1]) == [0, 1, 2, 3]
    assert open_slate([0.9, 0.8, 0.6, 0.5, 0.4], [0, 0, 0, 1, 1]) == [0, 1, 3, 2]


def test_an_article_above_the_cap_never_passes_one_within_it_that_is_nearly_as_good() -> None:
    assert open_slate([0.9, 0.8, 0.79, 0.7, 0.69], [0, 0, 0, 1, 1]) == [0, 1, 3, 4]


def test_worth_does_not_excuse_a_firm_cap() -> None:
    assert open_slate([0.9, 0.8, 0.7, 0.1, 0.1], [0, 0, 0, 1, 1], sources=[0, 0, 0, 1, 1]) == [0, 1, 3, 4]
    assert open_slate([0.9, 0.8, 0.7, 0.6, 0.1], [0, 0, 0, 0, 1], sources=[0, 0, 0, 1, 1]) == [0, 1, 3, 4]


def test_an_article_that_is_worth_nothing_exceeds_no_cap() -> None:
    assert open_slate([0.9, 0.8, 0.0, 0.0, 0.0], [0, 0, 0, 1, 1]) == [0, 1, 3, 4]


def test_firm_caps_hold_among_articles_of_one_category() -> None:
    """As in the feed of a section: the cap of its category cannot hold, that of a source can."""
    assert open_slate([0.9, 0.8, 0.7, 0.6, 0.5], [0] * 5, sources=[0, 0, 0, 1, 1]) == [0, 1, 3, 4]
    assert open_slate([0.9, 0.8, 0.7, 0.6], [0] * 4, sources=[0, 0, 0, 1]) == [0, 1, 3, 2], "no other is left"


def test_a_cap_is_firm_where_utilities_are_not_known() -> None:
    cap = Cap(np.asarray([0, 0, 0, 1, 1]), np.full(2, 0.5), firm=False)
    order = best_first(np.asarray([9.0, 8, 7, 0, 0]))
    assert fill_slate(order, [cap], 4, NO_EXPLORATION, rng()).places == [0, 1, 3, 4]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_an_article_above_the_cap_of_its_category_is_worth_it(rows: list[tuple[float, int, int]]) -> None:
    worth, codes, sources = (np.asarray(column) for column in zip(*sorted(rows, reverse=True), strict=True))
    limits = [Cap(codes, np.full(3, 0.4), firm=False), Cap(sources, np.full(3, 0.4))]
    order = np.arange(len(worth))
    plan = SlatePlan(order, limits, 10, NO_EXPLORATION, utilities=worth)
    ordered = apply_caps(plan)
    assert sorted(ordered) == order.tolist()
    counts, from_source = np.zeros(3, dtype=int), np.zeros(3, dtype=int)
    for number, place in enumerate(ordered):
        if from_source[sources[place]] >= 4:  # the candidates that wait for all others begin here
            break
        if counts[codes[place]] >= 4:
            below = [
                each for each in ordered[number:] if counts[codes[each]] < 4 and from_source[sources[each]] < 4
            ]
            assert all(worth[place] > WORTH_EXCEEDING * worth[each] for each in below)
        counts[codes[place]] += 1
        from_source[sources[place]] += 1


def test_a_single_category_still_fills_the_slate() -> None:
    assert compose(np.arange(9, 0, -1.0), np.zeros(9, dtype=int), 6, 0.0, rng()).places == list(range(6))


def test_articles_without_category_are_not_capped() -> None:
    categories = np.asarray([-1] * 6 + [0] * 6)
    assert compose(np.arange(12, 0, -1.0), categories, 6, 0.0, rng()).places == list(range(6))


def test_no_candidates_is_an_empty_slate() -> None:
    assert compose(np.zeros(0), np.zeros(0, dtype=int), 5, 0.5, rng()).places == []


def test_the_first_place_is_never_explored() -> None:
    for seed in range(200):
        slate = compose(np.asarray([1.0, 5.0, 2.0]), np.arange(3), 3, 0.5, rng(seed))
        assert (slate.places[0], slate.propensities[0], slate.draws[0]) == (1, 1.0, None)


@given(
    scores=st.lists(st.floats(-5, 5), max_size=12),
    limit=st.integers(1, 15),
    explore=st.floats(0, 0.5),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=80)
def test_any_slate_has_no_article_twice_and_chances_between_0_and_1(
    scores: list[float], limit: int, explore: float, seed: int
) -> None:
    categories = np.arange(len(scores)) % 3
    slate = compose(np.asarray(scores), categories, limit, explore, rng(seed))
    assert len(slate.places) == len(set(slate.places)) == min(limit, len(scores))
    assert all(0 <= chance <= 1 + 1e-12 for chance in slate.propensities)
    assert all(slate.propensities[i] < 1 for i, new in enumerate(slate.draws) if new)


def test_propensities_are_the_chances_they_claim_to_be() -> None:
    """Given the first item, the share of feeds with each other one second, against its propensity."""
    draws, explore = 40_000, 0.4
    seen, stated = np.zeros(5), np.zeros(5)
    shared = rng(5)
    for _ in range(draws):
        slate = compose(np.asarray([5.0, 4.0, 3.0, 2.0, 1.0]), np.arange(5), 2, explore, shared)
        second = slate.places[1]
        seen[second] += 1
        stated[second] = slate.propensities[1]
    np.testing.assert_allclose(seen / draws, stated, atol=0.01)
    np.testing.assert_allclose(stated, [0.0, 0.7, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(stated.sum(), 1.0)


def test_inverse_propensities_estimate_a_mean_without_bias() -> None:
    """Logged propensities estimate the value of the greedy slate's second place (Horvitz and Thompson)."""
    rewards, shared = np.asarray([0.0, 1.0, 0.2, 0.7]), rng(9)
    estimates = []
    for _ in range(20_000):
        slate = compose(np.asarray([4.0, 3.0, 2.0, 1.0]), np.arange(4), 2, 0.5, shared)
        second = slate.places[1]
        estimates.append(rewards[second] * (second == 1) / slate.propensities[1])
    assert abs(np.mean(estimates) - rewards[1]) < 0.02


def test_every_cap_holds() -> None:
    categories, sources = np.arange(12) % 2, np.asarray([0] * 6 + [1] * 3 + [2] * 3)
    limits = [Cap(categories, np.full(2, 0.5)), Cap(sources, np.full(3, 0.4))]
    chosen = fill_slate(np.arange(12), limits, 5, NO_EXPLORATION, rng()).places
    assert np.bincount(categories[chosen]).max() <= 3
    assert np.bincount(sources[chosen]).max() <= 2
