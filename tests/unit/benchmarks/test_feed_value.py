from dataclasses import replace

import numpy as np
import pytest

from benchmarks import feed_value
from benchmarks.feed_value import Outcomes, drawn, past_data, policies, run_policy, trained
from benchmarks.newsroom import stored
from recsys.domain import DAY, SECOND
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.simulate.world import START, simulate

WORLD = simulate(readers=40, articles=200, days=3)
UNTIL = round(START.timestamp()) * SECOND + 2 * DAY


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    folder = tmp_path_factory.mktemp("world")
    database = stored(WORLD, f"sqlite:///{folder}/attune.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_value, "_CONFIG", replace(LambdaMartConfig(), trees=60, threads=1))
        rankers = trained(past_data(database, WORLD, UNTIL), UNTIL, share=0.4)
    table = policies(WORLD, replace(rankers, graded=rankers.clicks))
    out = {name: run_policy(database, WORLD, policy, UNTIL, 1) for name, policy in table.items()}
    database.close()
    return out


def test_the_same_ranker_lives_the_same_life(lives: dict[str, Outcomes]) -> None:
    np.testing.assert_array_equal(lives["graded"].value, lives["click-trained"].value)
    np.testing.assert_array_equal(lives["graded"].minutes, lives["click-trained"].minutes)


def test_an_oracle_of_clicks_gets_more_read_than_popularity(lives: dict[str, Outcomes]) -> None:
    assert lives["oracle"].value.sum() > lives["popular"].value.sum()


def test_an_oracle_of_value_gets_more_value_a_minute(lives: dict[str, Outcomes]) -> None:
    rate = {name: each.value.sum() / each.minutes.sum() for name, each in lives.items()}
    assert rate["oracle of value"] > rate["oracle"]
    assert rate["attune"] > rate["worth"]


def test_minutes_are_spent_by_everyone_who_came_even_without_a_read(lives: dict[str, Outcomes]) -> None:
    came = lives["popular"].minutes > 0
    assert came.any()
    for each in lives.values():
        np.testing.assert_array_equal(each.minutes > 0, came)
        assert (each.value >= 0).all()


def test_draws_scatter_around_value_a_minute() -> None:
    value, minutes, visits = np.asarray([1.0, 2.0, 3.0]), np.asarray([2.0, 4.0, 6.0]), np.asarray([4.0, 8.0, 12.0])
    outcomes = Outcomes(value, minutes, visits, visits, visits)
    assert drawn(outcomes) == pytest.approx(0.5)
    assert drawn(outcomes, by_visit=True) == pytest.approx(0.25)
