"""What the rerankers are fitted and judged on."""

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import RankingData
from recsys.training.ranker_training import as_served


def test_trees_are_judged_without_the_places_of_the_logged_slate() -> None:
    features = np.arange(6.0 * len(ALL_FEATURES.names)).reshape(6, -1)
    logged = RankingData(features, np.zeros(6, dtype=np.int8), np.asarray([4, 2]))
    served = as_served(logged)
    place = ALL_FEATURES.names.index(POSITION)
    assert (served.features[:, place] == SERVING_POSITION).all()
    np.testing.assert_array_equal(np.delete(served.features, place, axis=1), np.delete(features, place, axis=1))
    assert (logged.features[:, place] != SERVING_POSITION).any(), "what is learnt from keeps its places"
    np.testing.assert_array_equal(served.sizes, logged.sizes)
