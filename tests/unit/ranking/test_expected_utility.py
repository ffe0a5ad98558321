from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import BundleError
from recsys.ranking.expected_utility import (
    CERTAINTY,
    LONGEST_MINUTES,
    DwellRegressors,
    ReadingRows,
    UtilityRanker,
    fit,
    load,
    refit,
)
from recsys.ranking.features.feature_set import ALL_FEATURES, FEED_FEATURES, FEED_TEXT_FREE
from recsys.ranking.features.position import POSITION, SERVING_POSITION
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.ranking.query import FloatArray
from recsys.ranking.score_scaling import PlattScaling

LIKED, LONG = (ALL_FEATURES.names.index(name) for name in ("subcategory_affinity", "words"))
CONFIG = LambdaMartConfig(leaves=7, min_leaf=10, patience=10, threads=1, feature_fraction=1.0)


class Even:
    """All candidates are clicked alike."""

    name = "even"

    def score(self, features: FloatArray) -> FloatArray:
        return np.zeros(len(features))


def readings(count: int, seed: int) -> ReadingRows:
    """Readers of the topic read to the end; long articles take long."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(count, len(ALL_FEATURES.names)))
    table[:, LONG] = rng.uniform(50, 1_000, count)
    likes = 1 / (1 + np.exp(-3 * table[:, LIKED]))
    labels = np.where(rng.random(count) < likes, 3, 1).astype(np.int8)
    seconds = np.where(labels == 3, table[:, LONG] / 4, 3.0)
    return ReadingRows.of(table, labels, seconds)


@pytest.fixture(scope="module")
def trees() -> DwellRegressors:
    return fit(readings(1_500, 1), readings(500, 2), FEED_FEATURES, CONFIG)


def candidates(likes: list[float], words: list[float]) -> FloatArray:
    table = np.zeros((len(likes), len(ALL_FEATURES.names)))
    table[:, LIKED], table[:, LONG] = likes, words
    return table


def test_only_opened_and_timed_articles_teach_reading() -> None:
    table = np.ones((4, len(ALL_FEATURES.names)))
    known = ReadingRows.of(
        table, np.asarray([0, 1, 2, 3], dtype=np.int8), np.asarray([np.nan, 3.0, np.nan, 6_000.0])
    )
    assert known.utility.tolist() == [0.0, 1.0]
    assert known.minutes.tolist() == [0.05, LONGEST_MINUTES], "a tab left open is not an hour of reading"
    assert (known.features[:, ALL_FEATURES.names.index(POSITION)] == SERVING_POSITION).all()
    assert (table == 1).all(), "what is learnt from elsewhere keeps its places"
    assert known.rate == pytest.approx(1 / (0.05 + LONGEST_MINUTES))


def test_worth_and_minutes_are_learnt_apart(trees: DwellRegressors) -> None:
    table = candidates([2.0, -2.0, 2.0], [100.0, 100.0, 900.0])
    utility, minutes = trees.outcome(table)
    assert utility[0] > 0.8 > 0.2 > utility[1]
    assert minutes[2] > 2 * minutes[0] > 2 * minutes[1]
    assert ((utility >= 0) & (utility <= 1)).all()
    assert (minutes >= 0).all()


def test_minutes_count_only_at_a_price(trees: DwellRegressors) -> None:
    table = candidates([2.0, 2.0, -2.0], [900.0, 100.0, 100.0])
    free = UtilityRanker(Even(), PlattScaling(), trees, price=0.0, mean=0.5).score(table)
    dear = UtilityRanker(Even(), PlattScaling(), trees, price=0.3, mean=0.5).score(table)
    assert free[0] == pytest.approx(free[1], rel=0.2)
    assert dear[1] > dear[0]
    assert free.argmin() == 2, "what is left at once is worth least"


def test_a_probable_click_counts_more_than_in_an_expectation(trees: DwellRegressors) -> None:
    unused = next(i for i, name in enumerate(ALL_FEATURES.names) if name not in FEED_FEATURES.names)

    class ByUnused:
        name, listwise = "unused", False

        def score(self, features: np.ndarray) -> np.ndarray:
            return features[:, unused]

    table = np.repeat(candidates([2.0], [100.0]), 2, axis=0)
    table[:, unused] = 0.0, -1.0
    ranker = UtilityRanker(ByUnused(), PlattScaling(), trees, price=0.0, mean=0.5)
    first, second = ranker.score(table)
    likely, unlikely = PlattScaling()(np.asarray([0.0, -1.0]))
    assert first / second == pytest.approx((likely / unlikely) ** CERTAINTY)


def test_the_utility_of_a_candidate_is_shrunk_toward_that_of_the_log(trees: DwellRegressors) -> None:
    table = candidates([2.0, -2.0], [100.0, 100.0])
    low, high = (
        UtilityRanker(Even(), PlattScaling(), trees, price=0.0, mean=mean).score(table) for mean in (0.0, 1.0)
    )
    assert (high > low).all()
    plain, _ = trees.outcome(table)
    assert low[1] / low[0] == pytest.approx(plain[1] / plain[0])
    assert high[1] / high[0] > plain[1] / plain[0]


def test_dear_minutes_may_be_worth_less_than_nothing(trees: DwellRegressors) -> None:
    assert (
        UtilityRanker(Even(), PlattScaling(), trees, price=50.0, mean=0.5).score(candidates([2.0], [900.0])) < 0
    ).all()


@given(st.permutations(range(6)))
def test_no_other_candidate_and_no_order_changes_a_score(trees: DwellRegressors, order: list[int]) -> None:
    table = readings(6, 3).features
    ranker = UtilityRanker(Even(), PlattScaling(), trees, price=0.2, mean=0.5)
    scores = ranker.score(table)
    np.testing.assert_array_equal(ranker.score(table[order]), scores[order])
    np.testing.assert_array_equal(ranker.score(table[:1]), scores[:1])


def test_a_saved_ranker_scores_alike(trees: DwellRegressors, tmp_path: Path) -> None:
    files = tmp_path / "worth.txt", tmp_path / "minutes.txt"
    trees.save(*files)
    again, table = load(*files, FEED_FEATURES), readings(50, 4).features
    np.testing.assert_array_equal(again.outcome(table), trees.outcome(table))
    assert again.trees == trees.trees
    with pytest.raises(BundleError, match="other features"):
        load(*files, FEED_TEXT_FREE)
    files[1].write_text("no trees")
    with pytest.raises(BundleError, match="cannot be read"):
        load(*files, FEED_FEATURES)


def test_as_many_trees_again_are_grown_on_everything(trees: DwellRegressors) -> None:
    again = refit(readings(2_000, 5), FEED_FEATURES, CONFIG, trees.trees)
    assert again.trees == trees.trees
