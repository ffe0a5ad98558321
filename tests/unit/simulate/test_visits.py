import numpy as np
import pytest

from recsys.domain import DAY, HOUR
from recsys.simulate.readers import INTERESTS, Readers, recruit
from recsys.simulate.visits import BLOCK, draw_visits


@pytest.fixture(scope="module")
def readers() -> Readers:
    return recruit(400, np.random.default_rng(0))


def test_visits_come_in_order_within_the_days(readers: Readers) -> None:
    _, at, _ = draw_visits(readers, 3, 5 * DAY, np.random.default_rng(1))
    assert np.all(np.diff(at) >= 0)
    assert at[0] >= 5 * DAY
    assert at[-1] < 8 * DAY


def test_no_reader_is_twice_in_one_block(readers: Readers) -> None:
    reader, at, _ = draw_visits(readers, 3, 0, np.random.default_rng(1))
    pairs = set(zip(reader.tolist(), (at // BLOCK).tolist(), strict=True))
    assert len(pairs) == len(at)


def test_visit_belongs_to_one_reader_and_lasts_less_than_some_hours(readers: Readers) -> None:
    reader, at, visit = draw_visits(readers, 3, 0, np.random.default_rng(1))
    for number in np.unique(visit)[:200]:
        assert len(np.unique(reader[visit == number])) == 1
        assert np.ptp(at[visit == number]) < 5 * HOUR


def test_active_readers_come_more_often(readers: Readers) -> None:
    reader, _, _ = draw_visits(readers, 10, 0, np.random.default_rng(1))
    slates = np.bincount(reader, minlength=400)
    assert np.corrcoef(slates, readers.visits_a_day)[0, 1] > 0.8


def test_readers_come_near_their_habit(readers: Readers) -> None:
    reader, at, _ = draw_visits(readers, 10, 0, np.random.default_rng(1))
    away = np.abs(at / HOUR % 24 - readers.habit[reader] % 24)
    assert np.median(np.minimum(away, 24 - away)) < 2


def test_readers_follow_a_few_categories_and_are_a_little_curious_about_all(readers: Readers) -> None:
    assert readers.affinity.sum(axis=1) == pytest.approx(np.ones(400))
    assert readers.affinity.min() > 0
    shares = np.sort([list(affinity.values()) for affinity in readers.category_affinities().values()], axis=1)
    assert shares[:, -INTERESTS:].sum(axis=1) == pytest.approx(np.full(400, 0.92), abs=0.01)
    assert shares[:, :-INTERESTS].max() < 0.015
    followed = np.sum(
        [np.asarray(list(t.values())) > 0.015 for t in readers.category_affinities().values()], axis=0
    )
    assert followed.min() > 0.5 * followed.mean(), "every category has its readers"
