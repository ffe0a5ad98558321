"""Examination by place, learned from clicks on slates that a ranker ordered."""

import numpy as np
import pytest

from benchmarks.position_bias import planted_slates
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.simulate.truth import examination
from recsys.training.examination_curve import ExaminationCurve, learn_examination
from recsys.training.examination_gate import ExaminationGate, gate_examination
from recsys.training.examination_weights import examined_auc, weighted
from recsys.training.ranker_training import PastSlates

CONFIG = LambdaMartConfig(threads=1, leaves=7)
STEEP = 1.5


@pytest.fixture(scope="module")
def clicks() -> RankingData:
    return planted_slates(3, STEEP, 2_000).data


@pytest.fixture(scope="module")
def learned(clicks: RankingData) -> ExaminationCurve:
    found = learn_examination(clicks, CONFIG)
    assert found is not None
    return found


def past(data: RankingData) -> PastSlates:
    count = len(data.sizes)
    return PastSlates(data, np.arange(count), np.full(len(data.labels), np.nan), np.arange(count) % 50)


def test_the_curve_is_that_of_the_readers_and_not_that_of_the_older_ranker(learned: ExaminationCurve) -> None:
    places = np.arange(6)
    np.testing.assert_allclose(learned.at(places.astype(float)), examination(places, STEEP), atol=0.12)
    assert (np.diff(learned.values) <= 0).all()


def test_candidates_without_a_place_are_examined(learned: ExaminationCurve) -> None:
    assert learned.at(np.asarray([np.nan, 0.0])).tolist() == [1.0, 1.0]
    assert learned.at(np.asarray([500.0]))[0] == learned.values[-1]


def test_slates_without_an_order_teach_no_curve(clicks: RankingData) -> None:
    features = clicks.features.copy()
    features[:, ALL_FEATURES.names.index(POSITION)] = np.nan
    assert learn_examination(RankingData(features, clicks.labels, clicks.sizes), CONFIG) is None


def test_a_learned_curve_explains_later_clicks_better_than_the_assumed_one(clicks: RankingData) -> None:
    slates = past(clicks)
    gate = gate_examination(slates, len(clicks.sizes) * 3 // 4, CONFIG, with_weights=True)
    assert gate.learned
    assert gate.likelihood is not None and gate.likelihood.low > 0
    assert gate.difference is not None
    assert gate.weights == (gate.difference.high >= 0), "weights that lose on the validation slice stay off"


def test_only_weights_that_passed_are_applied(clicks: RankingData, learned: ExaminationCurve) -> None:
    slates = past(clicks)
    weights = ExaminationGate(learned, learned=True, weights=True).applied(slates).data.weights
    assert weights is not None and weights.mean() == pytest.approx(1)
    assert ExaminationGate(learned, learned=True).applied(slates) is slates


def test_a_skip_weighs_by_its_place_and_a_click_by_the_skips_of_its_slate() -> None:
    features = np.zeros((3, len(ALL_FEATURES.names)))
    features[:, ALL_FEATURES.names.index(POSITION)] = np.arange(3)
    data = RankingData(features, np.asarray([0, 2, 0], dtype=np.int8), np.asarray([3]))
    weights = weighted(data, ExaminationCurve(np.asarray([1.0, 0.5, 0.2]))).weights
    np.testing.assert_allclose(weights, np.asarray([1.0, 0.6, 0.2]) / 0.6)


def test_the_examined_auc_is_that_of_a_plain_loop_over_pairs() -> None:
    rng = np.random.default_rng(5)
    sizes = np.asarray([4, 1, 6, 3])
    features = np.zeros((14, len(ALL_FEATURES.names)))
    features[:, ALL_FEATURES.names.index(POSITION)] = np.concatenate([np.arange(size) for size in sizes])
    labels = np.asarray([0, 1, 0, 2, 1, 1, 0, 0, 3, 0, 0, 0, 0, 0], dtype=np.int8)
    scores = rng.integers(0, 4, 14).astype(np.float64)
    curve = ExaminationCurve(np.asarray([1.0, 0.7, 0.4, 0.1]))
    found = examined_auc(scores, RankingData(features, labels, sizes), curve)
    for slate, rows in enumerate(np.split(np.arange(14), np.cumsum(sizes)[:-1])):
        look = curve.at(np.arange(len(rows), dtype=np.float64))
        pairs = [
            (look[j], (scores[rows[i]] > scores[rows[j]]) + 0.5 * (scores[rows[i]] == scores[rows[j]]))
            for i in range(len(rows))
            for j in range(len(rows))
            if labels[rows[i]] > 0 and labels[rows[j]] == 0
        ]
        plain = sum(w * win for w, win in pairs) / sum(w for w, _ in pairs) if pairs else np.nan
        np.testing.assert_allclose(found[slate], plain)
