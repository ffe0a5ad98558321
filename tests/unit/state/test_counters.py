import numpy as np
import pytest

from recsys.domain import HOUR
from recsys.state.counters import EPOCH_HALF_LIVES, DecayedCounters

SYSTEM_READER = np.zeros((1, 0), dtype=np.int64)


def counters(half_lives: tuple[int, ...] = (HOUR, 24 * HOUR)) -> DecayedCounters:
    made = DecayedCounters(2, half_lives)
    made.reserve(3, 2)
    return made


def add(table: DecayedCounters, at: int, weight: float = 1.0, article: int = 0) -> None:
    cell = np.asarray([[1]])
    table.add(np.asarray([article]), SYSTEM_READER, cell, np.asarray([at]), np.asarray([[weight]]))


def test_a_count_halves_every_half_life() -> None:
    table = counters()
    add(table, 100 * HOUR, 8.0)
    assert table.read(np.asarray([0]), 100 * HOUR)[0, 1] == pytest.approx([8, 8])
    assert table.read(np.asarray([0]), 103 * HOUR)[0, 1, 0] == pytest.approx(1.0)
    assert table.read(np.asarray([0]), 148 * HOUR)[0, 1, 1] == pytest.approx(2.0)


def test_other_rows_and_counters_stay_zero() -> None:
    table = counters()
    add(table, HOUR, article=1)
    assert table.articles[[0, 2]].sum() == table.groups.sum() == table.articles[1, 0].sum() == 0


def test_a_new_epoch_shrinks_by_an_exact_power_of_two() -> None:
    table = counters((HOUR,))
    add(table, 0, 3.0)
    add(table, EPOCH_HALF_LIVES * HOUR, 5.0, article=1)
    assert table.articles[0, 1, 0] == 3.0 * 2.0**-EPOCH_HALF_LIVES
    assert table.epochs.tolist() == [1]


def test_a_batch_over_an_epochs_beginning_equals_event_by_event() -> None:
    times = np.asarray([10, 63, 64, 65, 200]) * HOUR + 7
    one, many = counters(), counters()
    for at in times.tolist():
        add(one, at)
    zeros, ones = np.zeros((5, 1), dtype=np.int64), np.ones((5, 1))
    many.add(zeros[:, 0], np.zeros((5, 0), dtype=np.int64), zeros + 1, times, ones)
    assert np.array_equal(one.articles, many.articles)


def test_rows_from_before_the_epoch_may_follow_a_later_batch() -> None:
    late, in_order = counters((HOUR,)), counters((HOUR,))
    for at in (65 * HOUR, 63 * HOUR):
        add(late, at)
    for at in (63 * HOUR, 65 * HOUR):
        add(in_order, at)
    assert np.array_equal(late.articles, in_order.articles)


def test_years_of_silence_leave_zero_not_nan() -> None:
    table = counters()
    add(table, HOUR)
    add(table, 10_000 * 24 * HOUR, article=1)
    assert table.read(np.asarray([0]), 10_001 * 24 * HOUR)[0].max() == pytest.approx(0.0, abs=1e-300)
    assert np.isfinite(table.articles).all()


def test_growing_keeps_what_was_counted() -> None:
    table = counters()
    table.add(np.asarray([2]), np.asarray([[1]]), np.asarray([[0]]), np.asarray([HOUR]), np.asarray([[4.0]]))
    table.reserve(100, 50)
    assert table.read(np.asarray([2]), HOUR)[0, 0] == pytest.approx([4, 4])
    assert table.read_groups(np.asarray([1, 49]), HOUR)[:, 0, 0] == pytest.approx([4, 0])


def test_several_counters_of_one_row_grow_by_their_own_weights() -> None:
    table = counters()
    table.add(
        np.asarray([0]), np.asarray([[0, 1]]), np.asarray([[0, 1]]), np.asarray([HOUR]), np.asarray([[1.0, 30.0]])
    )
    for found in (table.read(np.asarray([0]), HOUR)[0], *table.read_groups(np.asarray([0, 1]), HOUR)):
        assert found[:, 0] == pytest.approx([1, 30])
