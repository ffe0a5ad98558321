from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import BundleError
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE
from recsys.ranking.lambdamart import (
    LEAST_TREES,
    MANY_SLATES,
    LambdaMart,
    LambdaMartConfig,
    RankingData,
    fit,
    load,
    refit,
)

SIGNAL = ALL_FEATURES.names.index("clicks_4h")
SMALL = LambdaMartConfig(trees=30, leaves=7, min_leaf=5, patience=10, threads=1, feature_fraction=1.0)


def planted(slates: int, seed: int) -> RankingData:
    """Slates of ten whose best candidate by one feature is mostly the clicked one."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(slates * 10, len(ALL_FEATURES.names)))
    noisy = (table[:, SIGNAL] + 0.2 * rng.normal(size=len(table))).reshape(slates, 10)
    labels = np.zeros((slates, 10), dtype=np.int8)
    labels[np.arange(slates), noisy.argmax(axis=1)] = 3
    return RankingData(table, labels.reshape(-1), np.full(slates, 10))


def hits(ranker: LambdaMart, data: RankingData) -> float:
    """Share of slates whose clicked candidate has the best score."""
    best = ranker.score(data.features).reshape(-1, 10).argmax(axis=1)
    return float((best == data.labels.reshape(-1, 10).argmax(axis=1)).mean())


@pytest.fixture(scope="module")
def trained() -> LambdaMart:
    return fit(planted(200, 1), planted(60, 2), ALL_FEATURES, SMALL)


def test_a_planted_signal_is_learnt(trained: LambdaMart) -> None:
    assert hits(trained, planted(200, 3)) > 0.6
    assert max(trained.importance(), key=trained.importance().__getitem__) == "clicks_4h"


def test_a_score_does_not_depend_on_the_rest_of_the_request(trained: LambdaMart) -> None:
    table = planted(5, 4).features
    alone = np.concatenate([trained.score(row[None]) for row in table])
    assert np.array_equal(trained.score(table), alone)


def test_the_same_data_and_seed_give_the_same_trees(trained: LambdaMart) -> None:
    again = fit(planted(200, 1), planted(60, 2), ALL_FEATURES, SMALL)
    table = planted(20, 5).features
    assert np.array_equal(again.score(table), trained.score(table))


def test_unknown_features_are_ranked_too(trained: LambdaMart) -> None:
    assert np.isfinite(trained.score(np.full((3, len(ALL_FEATURES.names)), np.nan))).all()


def test_an_early_peak_by_chance_does_not_stop_a_training_on_many_slates() -> None:
    config = LambdaMartConfig(trees=LEAST_TREES + 40, leaves=3, min_leaf=50, patience=5, threads=1)
    many = planted(MANY_SLATES, 8)
    noise = RankingData(planted(60, 6).features, planted(60, 7).labels, np.full(60, 10))
    assert LEAST_TREES <= fit(many, noise, ALL_FEATURES, config).trees < config.trees
    correction = replace(many, base=np.zeros(len(many.labels)))
    assert fit(correction, replace(noise, base=np.zeros(600)), ALL_FEATURES, config).trees < LEAST_TREES


def test_training_stops_when_validation_does_not_improve() -> None:
    noise = RankingData(planted(60, 6).features, planted(60, 7).labels, np.full(60, 10))
    stopped = fit(
        planted(60, 8), noise, ALL_FEATURES, LambdaMartConfig(trees=60, leaves=7, min_leaf=5, patience=3)
    )
    assert stopped.trees < 60


def test_saved_and_loaded_rankers_score_alike(trained: LambdaMart, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    again = load(tmp_path / "ranker.txt", ALL_FEATURES)
    table = planted(30, 9).features
    assert np.array_equal(again.score(table), trained.score(table))
    assert again.trees == trained.trees


def test_seeds_are_averaged_and_saved_together(tmp_path: Path) -> None:
    data = planted(80, 12)
    three = refit(data, ALL_FEATURES, replace(SMALL, seeds=3), 10)
    single = [refit(data, ALL_FEATURES, replace(SMALL, seed=SMALL.seed + number), 10) for number in range(3)]
    table = planted(20, 13).features
    scores = [one.score(table) for one in single]
    assert not np.array_equal(scores[0], scores[1])
    np.testing.assert_allclose(three.score(table), np.mean(scores, axis=0))
    three.save(tmp_path / "ranker.txt")
    again = load(tmp_path / "ranker.txt", ALL_FEATURES)
    assert (again.seeds, again.trees) == (three.seeds, three.trees) == (3, 10)
    np.testing.assert_array_equal(again.score(table), three.score(table))
    np.testing.assert_array_equal(three.first.score(table), scores[0])
    assert three.first.seeds == 1
    assert sum(three.importance().values()) == pytest.approx(sum(sum(s.importance().values()) for s in single))


def test_every_seed_grows_as_many_trees_as_the_first_needs() -> None:
    first = fit(planted(200, 1), planted(60, 2), ALL_FEATURES, SMALL)
    both = fit(planted(200, 1), planted(60, 2), ALL_FEATURES, replace(SMALL, seeds=2))
    assert (both.trees, both.seeds) == (first.trees, 2)


def test_a_smaller_feature_set_picks_its_own_columns(tmp_path: Path) -> None:
    data = planted(100, 10)
    small = fit(data, planted(30, 11), TEXT_FREE, SMALL)
    table = data.features.copy()
    table[:, ALL_FEATURES.names.index("content")] = 99.0
    assert np.array_equal(small.score(table), small.score(data.features))
    assert "content" not in small.importance()


def test_a_model_of_other_columns_is_refused(trained: LambdaMart, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    with pytest.raises(BundleError, match="other features"):
        load(tmp_path / "ranker.txt", TEXT_FREE)


@pytest.mark.parametrize("content", ["", "not a model", None])
def test_a_damaged_or_missing_model_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ranker.txt"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BundleError, match="cannot be read"):
        load(path, ALL_FEATURES)
