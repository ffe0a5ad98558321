"""The attention budget, against every set there is."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.feed.selection.knapsack import knapsack

ITEMS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), max_size=9)


def best_by_trying(values: np.ndarray, minutes: np.ndarray, budget: float, most: int) -> float:
    places = range(len(values))
    sets = [each for size in range(most + 1) for each in combinations(places, size)]
    return max(values[list(each)].sum() for each in sets if minutes[list(each)].sum() <= budget + 1e-9)


@given(ITEMS, st.integers(0, 60), st.integers(1, 9))
@settings(deadline=None, max_examples=150)
def test_no_set_that_fits_is_worth_more(items: list[tuple[int, int]], half_minutes: int, most: int) -> None:
    values, minutes = (np.asarray([each[k] for each in items], dtype=float) for k in (0, 1))
    minutes, budget = minutes / 2, half_minutes / 2
    chosen = knapsack(values, minutes, budget, most)
    assert minutes[chosen].sum() <= budget
    assert len(chosen) == len(set(chosen.tolist())) <= most
    assert values[chosen].sum() == best_by_trying(values, minutes, budget, most)


def test_times_are_rounded_up_so_that_the_budget_always_holds() -> None:
    assert knapsack(np.ones(3), np.full(3, 0.17), 0.5, 3).tolist() == [0], "0.17 minutes are two ticks"
    assert knapsack(np.ones(3), np.full(3, 1 / 6), 0.5, 3).tolist() == [0, 1, 2]


def test_articles_worth_nothing_or_too_long_are_left_out() -> None:
    assert knapsack(np.asarray([0.0, -1.0, 5.0, 1.0]), np.asarray([1.0, 1.0, 99.0, 1.0]), 10, 4).tolist() == [3]


def test_of_equal_sets_the_earlier_items_are_chosen() -> None:
    assert knapsack(np.ones(4), np.ones(4), 2, 4).tolist() == [0, 1]
    assert knapsack(np.ones(4), np.ones(4), 9, 2).tolist() == [0, 1]


def test_nothing_to_choose_from_is_nothing_chosen() -> None:
    assert knapsack(np.zeros(0), np.zeros(0), 10, 5).tolist() == []
