"""The fading that a ranker misses is measured on the scores that feeds will have."""

from types import SimpleNamespace

import numpy as np
import pytest

from recsys.models.served_ranker import BLEND, FULL_SYSTEM, NETWORK, POINTWISE, TEXT_FREE, UNTRAINED
from recsys.ranking.blend import UNTRAINED_SHARE
from recsys.ranking.column_ranker import COLUMN_RANKERS
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.ranker import HeuristicRanker
from recsys.training import rankers
from recsys.training.ranker_training import Rerankers

FEATURES = np.random.default_rng(5).normal(size=(6, len(ALL_FEATURES.names)))


class Column:
    """Ranker by one column."""

    listwise = False

    def __init__(self, number: int) -> None:
        self.name, self._number = f"column {number}", number

    def score(self, features: np.ndarray) -> np.ndarray:
        return features[:, self._number]


def listwise(number: int) -> SimpleNamespace:
    """Listwise ranker whose trees of feeds are `Column(number)`."""
    return SimpleNamespace(base=SimpleNamespace(first=Column(number)))


FULL, WITHOUT_TEXT, FIXED = FEATURES[:, 0], FEATURES[:, 1], HeuristicRanker().score(FEATURES)


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (FULL_SYSTEM, FULL),
        (POINTWISE, FULL),
        (TEXT_FREE, WITHOUT_TEXT),
        (BLEND, (FULL + WITHOUT_TEXT) / 2 + UNTRAINED_SHARE * FIXED),
        (UNTRAINED, FIXED),
        (NETWORK, COLUMN_RANKERS[NETWORK].score(FEATURES)),
    ],
)
def test_scores_of_feeds_are_those_of_the_served_ranker(system: str, expected: np.ndarray) -> None:
    found = rankers._feed_scores(Rerankers(listwise(0), listwise(1)), system, FEATURES)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected)
