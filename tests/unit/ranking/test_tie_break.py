"""Equal scores are ordered by interest, then popularity, then a hash of the id, whatever the order given."""

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray
from recsys.ranking.tie_break import best_first, id_hash
from recsys.state.live_state import LiveState
from tests.trained import world


def features(**columns: list[float]) -> FloatArray:
    table = np.zeros((len(next(iter(columns.values()))), len(ALL_FEATURES.names)))
    for name, values in columns.items():
        table[:, ALL_FEATURES.names.index(name)] = values
    return table


def test_ties_go_to_interest_then_popularity_then_the_hash() -> None:
    table = features(preference=[0, 1, 1, 1, np.nan, 9], clicks_4h=[9, 0, 5, 5, 9, 0])
    hashes = np.asarray([1, 2, 7, 4, 0, 9], dtype=np.uint64)
    scores = np.asarray([1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
    assert best_first(scores, table, hashes).tolist() == [3, 2, 1, 0, 4, 5]


def test_the_order_does_not_depend_on_the_order_given() -> None:
    rng = np.random.default_rng(3)
    ids = [f"a{number}" for number in range(40)]
    table = features(preference=rng.integers(0, 2, 40).tolist(), clicks_4h=rng.integers(0, 2, 40).tolist())
    scores = rng.integers(0, 3, 40).astype(float)
    expected = [ids[place] for place in best_first(scores, table, id_hash(ids))]
    shuffled = rng.permutation(40)
    again = best_first(scores[shuffled], table[shuffled], id_hash([ids[place] for place in shuffled]))
    assert [ids[shuffled[place]] for place in again] == expected
    assert expected != sorted(expected)


def test_the_hash_is_that_of_the_catalogue() -> None:
    state = LiveState()
    state.upsert_articles(world().articles)
    ids = world().articles["id"].to_list()
    np.testing.assert_array_equal(state.catalog.tie_break_hash[state.rows_of(ids)], id_hash(ids))
