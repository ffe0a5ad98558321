"""Trees that see each candidate alone, and a correction grown on top of them."""

from dataclasses import replace

import numpy as np
import pytest

from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import ALL_FEATURES, FEED_FEATURES
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.listwise_correction import ListwiseRanker, fit, refit

ALONE, AMONG = ALL_FEATURES.names.index("clicks_4h"), ALL_FEATURES.names.index("clicks_4h_listwise")
CONFIG = LambdaMartConfig(trees=30, leaves=7, min_leaf=5, patience=10, threads=1, feature_fraction=1.0, seeds=2)


def planted(slates: int, seed: int) -> RankingData:
    """Slates of ten whose clicked candidate depends half on a pointwise column and half on a listwise one."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(slates * 10, len(ALL_FEATURES.names)))
    best = (table[:, ALONE] + table[:, AMONG]).reshape(slates, 10).argmax(axis=1)
    labels = np.zeros((slates, 10), dtype=np.int8)
    labels[np.arange(slates), best] = 3
    return RankingData(table, labels.reshape(-1), np.full(slates, 10))


@pytest.fixture(scope="module")
def ranker() -> ListwiseRanker:
    return fit(planted(200, 1), planted(60, 2), ALL_FEATURES, CONFIG)


def hits(scores: np.ndarray, data: RankingData) -> float:
    """Share of slates whose clicked candidate has the best score."""
    best = scores.reshape(-1, 10).argmax(axis=1)
    return float((best == data.labels.reshape(-1, 10).argmax(axis=1)).mean())


def test_the_correction_adds_what_only_other_candidates_show(ranker: ListwiseRanker) -> None:
    data = planted(200, 3)
    base, both = ranker.base.score(data.features), ranker.score(data.features)
    assert hits(both, data) > hits(base, data) + 0.1
    importance = ranker.correction.importance()
    assert max(importance, key=importance.__getitem__) == "clicks_4h_listwise"


def test_the_correction_is_grown_on_top_of_the_others(ranker: ListwiseRanker) -> None:
    train, validation = (
        replace(data, base=ranker.base.score(data.features)) for data in (planted(200, 1), planted(60, 2))
    )
    table = planted(20, 7).features
    on_top = lambdamart.fit(train, validation, ALL_FEATURES, CONFIG).score(table)
    np.testing.assert_array_equal(ranker.correction.score(table), on_top)
    own = lambdamart.fit(planted(200, 1), planted(60, 2), ALL_FEATURES, CONFIG).score(table)
    assert not np.array_equal(on_top, own)


def test_the_rows_of_early_stopping_have_the_base_too(ranker: ListwiseRanker) -> None:
    """Of a slate that the base orders perfectly, no tree can be seen to help: the first one stays base."""
    train, validation = planted(200, 1), planted(60, 2)
    perfect = replace(validation, base=40.0 * validation.labels)
    stopped = lambdamart.fit(train, perfect, ALL_FEATURES, CONFIG)
    assert stopped.trees == 1 < ranker.correction.trees


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_is_of_the_correction(ranker: ListwiseRanker, share: float) -> None:
    table = planted(5, 4).features
    expected = ranker.base.score(table) + share * ranker.correction.score(table)
    np.testing.assert_array_equal(replace(ranker, share=share).score(table), expected)


def test_pointwise_features_do_not_depend_on_other_candidates(ranker: ListwiseRanker) -> None:
    table = planted(5, 5).features
    changed = table.copy()
    changed[:, [name.endswith("_listwise") for name in ALL_FEATURES.names]] = np.nan
    np.testing.assert_array_equal(ranker.base.score(changed), ranker.base.score(table))
    assert set(ranker.base.importance()) == set(FEED_FEATURES.names)


def test_growing_again_gives_as_many_trees_of_both(ranker: ListwiseRanker) -> None:
    again = refit(planted(250, 6), ALL_FEATURES, CONFIG, replace(ranker, share=0.4))
    for one, two in ((again.base, ranker.base), (again.correction, ranker.correction)):
        assert (one.trees, one.seeds) == (two.trees, two.seeds)
    assert again.share == 0.4
    data = replace(planted(250, 6), base=again.base.score(planted(250, 6).features))
    on_top = lambdamart.refit(data, ALL_FEATURES, CONFIG, ranker.correction.trees)
    np.testing.assert_array_equal(again.correction.score(data.features), on_top.score(data.features))


def test_trees_go_on_from_a_base(ranker: ListwiseRanker) -> None:
    """Grown on top of scores that tell all, they have nothing to add."""
    data = planted(200, 1)
    perfect = lambdamart.refit(replace(data, base=40.0 * data.labels), ALL_FEATURES, CONFIG, 5)
    assert np.ptp(perfect.score(data.features)) < 0.1 * np.ptp(ranker.correction.score(data.features))
