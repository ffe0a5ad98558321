"""The autoencoder on made-up observations with a planted shift."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from recsys.calibration import normal_profile as buckets
from recsys.calibration.attention_statistics import Observation
from recsys.calibration.head_anomaly_detector import StructureDetector, fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.training_loop import FitConfig
from tests.unit.calibration.observations import HEADS, LAYERS, normal, part

CONFIG = FitConfig(epochs=10)


def fitted(seen: Observation) -> StructureDetector:
    profile = Profile(LAYERS, HEADS)
    profile.add(seen)
    return fit_structure(profile, [part(seen, slice(0, 1000)), part(seen, slice(1000, None))], CONFIG)


@pytest.fixture(scope="module")
def detector() -> StructureDetector:
    return fitted(normal(12000, seed=1))


def shifted(seen: Observation) -> Observation:
    """One head of the last layer looks elsewhere."""
    heads = seen.heads.copy()
    shift = np.array([0.15, -0.15, 0.15, -0.15, 0.15], dtype=np.float32)
    heads[:, 1, 2] = np.clip(heads[:, 1, 2] + shift, 0, 1)
    return replace(seen, heads=heads)


def test_a_planted_shift_is_found(detector: StructureDetector) -> None:
    usual, strange = normal(500, seed=2), shifted(normal(500, seed=3))
    scores = np.concatenate([detector.measure(seen).score for seen in (usual, strange)])
    assert roc_auc_score(np.repeat([0, 1], 500), scores) > 0.9
    assert detector.anomalous(detector.measure(strange), strange.lengths).mean() > 0.5


def test_the_shifted_head_is_the_furthest_above_its_limit(detector: StructureDetector) -> None:
    excess = detector.measure(shifted(normal(500, seed=3))).heads / detector.head_limits
    assert (excess[:, 1, 2] > 1).mean() > 0.8
    assert (excess.reshape(500, -1).argmax(axis=1) == 1 * HEADS + 2).mean() > 0.9


def test_about_one_normal_text_in_a_hundred_is_an_anomaly(detector: StructureDetector) -> None:
    fresh = normal(4000, seed=4)
    found = detector.anomalous(detector.measure(fresh), fresh.lengths).mean()
    assert 0.005 < found < 0.02
    assert 0.003 < detector.false_positives < 0.025


def test_the_score_is_the_mean_error_of_the_heads(detector: StructureDetector) -> None:
    structure = detector.measure(normal(20, seed=5))
    assert structure.heads.shape == (20, LAYERS, HEADS)
    np.testing.assert_allclose(structure.score, structure.heads.mean(axis=(1, 2)))
    assert (structure.score >= 0).all()


def test_a_text_is_scored_in_a_batch_as_it_is_alone(detector: StructureDetector) -> None:
    seen = normal(30, seed=6)
    alone = detector.measure(part(seen, slice(7, 8))).score
    np.testing.assert_allclose(detector.measure(seen).score[7:8], alone, rtol=1e-4)


def test_the_limit_is_that_of_the_length(detector: StructureDetector) -> None:
    seen = normal(2, seed=7)
    structure = detector.measure(seen)
    limits = np.full(buckets.COUNT, np.inf)
    limits[0] = 0.0
    strict = StructureDetector(detector.profile, detector.network, limits, detector.head_limits, 0.0)
    np.testing.assert_array_equal(strict.anomalous(structure, np.array([8, 9])), [True, False])


def test_lengths_that_were_not_seen_get_the_limit_of_all(detector: StructureDetector) -> None:
    assert np.isfinite(detector.limits).all()
    assert (detector.limits > 0).all()
    assert detector.limits[-1] == detector.limits[-2]  # both longer than any text seen


def test_the_same_seed_trains_the_same_detector() -> None:
    seen = normal(1200, seed=8)
    first, second = fitted(seen), fitted(seen)
    np.testing.assert_array_equal(first.limits, second.limits)
    np.testing.assert_array_equal(first.measure(seen).score, second.measure(seen).score)
