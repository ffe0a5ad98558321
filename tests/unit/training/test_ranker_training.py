"""Rows that the rankers are fitted and judged on."""

from dataclasses import replace

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.training.ranker_training import PastSlates, as_served, retrain_rerankers, train_rerankers
from recsys.training.training_run import silent


def test_trees_are_judged_without_the_places_of_the_logged_slate() -> None:
    features = np.arange(6.0 * len(ALL_FEATURES.names)).reshape(6, -1)
    logged = RankingData(features, np.zeros(6, dtype=np.int8), np.asarray([4, 2]))
    served = as_served(logged)
    place = ALL_FEATURES.names.index(POSITION)
    assert (served.features[:, place] == SERVING_POSITION).all()
    np.testing.assert_array_equal(np.delete(served.features, place, axis=1), np.delete(features, place, axis=1))
    assert (logged.features[:, place] != SERVING_POSITION).any(), "what is learnt from keeps its places"
    np.testing.assert_array_equal(served.sizes, logged.sizes)


def past(slates: int) -> PastSlates:
    """Slates of ten, an hour apart, whose clicked candidate mostly has the largest value of one feature."""
    rng = np.random.default_rng(3)
    table = rng.normal(size=(slates * 10, len(ALL_FEATURES.names)))
    noisy = (table[:, ALL_FEATURES.names.index("clicks_4h")] + rng.normal(size=len(table))).reshape(slates, 10)
    labels = np.zeros((slates, 10), dtype=np.int8)
    labels[np.arange(slates), noisy.argmax(axis=1)] = 3
    data = RankingData(table, labels.reshape(-1), np.full(slates, 10))
    return PastSlates(data, np.arange(slates), np.full(len(table), np.nan), np.arange(slates) % 7)


def test_rankers_trained_side_by_side_are_those_trained_one_after_the_other() -> None:
    slates, one = past(120), LambdaMartConfig(trees=12, leaves=7, min_leaf=5, seeds=2, threads=1)
    table = slates.data.features[:50]
    scores = []
    for config in (one, replace(one, threads=2)):
        validated = train_rerankers(slates, 90, config, silent)
        everything = retrain_rerankers(slates, validated, True, config, silent)
        scores.append([each.score(table) for each in (validated.full, validated.text_free, everything.full)])
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0][0], scores[0][1]), "the two rankers differ"


def test_early_and_late_slates_together_are_all_slates() -> None:
    slates = past(20)

    def part(start: int, end: int) -> PastSlates:
        rows = slice(10 * start, 10 * end)
        return PastSlates(
            slates.between(start, end), slates.at[start:end], slates.seconds[rows], slates.readers[start:end]
        )

    joined = PastSlates.joined([part(0, 8), part(8, 20)])
    for name in ("features", "labels", "sizes"):
        np.testing.assert_array_equal(getattr(joined.data, name), getattr(slates.data, name))
    np.testing.assert_array_equal(joined.at, slates.at)
    np.testing.assert_array_equal(joined.seconds, slates.seconds)
    np.testing.assert_array_equal(joined.readers, slates.readers)
