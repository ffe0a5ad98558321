import numpy as np
import pytest

from recsys.domain import DAY
from recsys.evaluation.platt import Platt
from recsys.ranking.features.feature_set import ALL_FEATURES, FEED_TEXT_FREE
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.training.ranker_training import PastSlates
from recsys.training.utility_training import UtilityModelSkipped, UtilityModelTrained, train_utility

COUNT = 160
CONFIG = LambdaMartConfig(trees=5, patience=5, threads=1, min_leaf=5)


def slates() -> PastSlates:
    """Slates of three over two days, one of each read for half a minute or two."""
    rng = np.random.default_rng(1)
    labels = np.zeros((COUNT, 3), dtype=np.int8)
    labels[:, 0] = rng.integers(1, 4, COUNT)
    seconds = np.where(labels > 0, rng.choice([30.0, 120.0], size=labels.shape), np.nan)
    features = rng.normal(size=(COUNT * 3, len(ALL_FEATURES.names)))
    data = RankingData(features, labels.reshape(-1), np.full(COUNT, 3))
    return PastSlates(data, np.arange(COUNT) * (2 * DAY // COUNT), seconds.reshape(-1), np.arange(COUNT) % 7)


def trained(past: PastSlates, slope: float) -> UtilityModelTrained | UtilityModelSkipped:
    return train_utility(past, DAY, FEED_TEXT_FREE, CONFIG, 0.5, Platt(slope, -1.0, 0.1))


def test_the_manifest_has_price_and_chance() -> None:
    past = slates()
    reported = trained(past, 2.0).as_dict()
    assert (reported["on"], reported["slope"], reported["intercept"]) == (True, 2.0, -1.0)
    assert reported["price"] == pytest.approx(0.5 * past.readings().rate)


@pytest.mark.parametrize("slope", [0.0, -2.0])
def test_value_is_off_where_the_chance_of_a_click_does_not_rise_with_the_score(slope: float) -> None:
    reported = trained(slates(), slope).as_dict()
    assert reported["on"] is False
    assert "does not rise" in reported["why"]


def test_value_is_off_where_too_little_was_read() -> None:
    past = slates()
    past.seconds[:] = np.nan
    assert trained(past, 2.0) == UtilityModelSkipped("too little was read for a known time")
