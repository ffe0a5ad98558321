from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import polars as pl
import pytest

from recsys.calibration.calibrator import Calibrator
from recsys.encoder.bert import TextEncoder
from recsys.encoder.protocols import Vectors
from recsys.experiments.detection_scores import detection
from recsys.training.calibration import fit_detectors
from recsys.training.calibration.ablation_arms import (
    ALL,
    ARMS,
    DROP,
    HEADS,
    OFF,
    ORACLE,
    RANDOM,
    TOKENS,
    encode_by_arm,
)
from recsys.training.calibration.damaged_text import NoiseKind
from recsys.training.calibration.title_corruption import DamagedTexts, damaged_titles, injector_of, tokenised
from tests.trained import world

pytestmark = pytest.mark.xdist_group("ablation-arms")  # one worker fits the only calibrator

Encoding = Callable[[NoiseKind | None], Mapping[str, Vectors]]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")


@pytest.fixture(scope="module")
def articles() -> pl.DataFrame:
    return world().articles


@pytest.fixture(scope="module")
def calibrator(encoder: TextEncoder, articles: pl.DataFrame) -> Calibrator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_detectors, "DRAWS", 4)
        return fit_detectors.fit_calibrator(encoder, articles[:60], seed=7)


@pytest.fixture(scope="module")
def encoded(encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator) -> Encoding:
    """Returns the vectors by arm of texts with this kind of damage; each kind is encoded once."""
    return cache(lambda kind: encode_by_arm(encoder, calibrator, texts(encoder, articles, kind), seed=1))


def texts(encoder: TextEncoder, articles: pl.DataFrame, kind: NoiseKind | None) -> DamagedTexts:
    some = articles[100:112]
    injector = injector_of(encoder, articles)
    return tokenised(encoder, some, damaged_titles(some, [kind] * some.height, injector, seed=1))


def test_off_equals_the_encoder(encoder: TextEncoder, articles: pl.DataFrame, encoded: Encoding) -> None:
    vectors = encoded(None)
    assert set(vectors) == set(ARMS)
    tokens = texts(encoder, articles, None).tokens
    np.testing.assert_allclose(vectors[OFF], encoder.encode_tokens(tokens), atol=1e-5)


def test_a_perfect_detector_leaves_undamaged_texts_alone(encoded: Encoding) -> None:
    vectors = encoded(None)
    np.testing.assert_array_equal(vectors[ORACLE], vectors[OFF])


@pytest.mark.parametrize("kind", [NoiseKind.STUFFING, NoiseKind.PUNCTUATION])
def test_the_gate_brings_structural_damage_nearer_to_the_undamaged_text(
    encoded: Encoding, kind: NoiseKind
) -> None:
    clean, corrupted = encoded(None)[OFF], encoded(kind)
    near = {arm: float((clean * corrupted[arm]).sum(axis=1).mean()) for arm in ARMS}
    assert near[TOKENS] > near[OFF] + 0.02
    assert near[ORACLE] > near[OFF] + 0.02
    assert near[TOKENS] > near[RANDOM]


def test_all_is_both(encoded: Encoding) -> None:
    vectors = encoded(NoiseKind.STUFFING)
    assert np.abs(vectors[HEADS] - vectors[OFF]).max() > 1e-3
    assert np.abs(vectors[ALL] - vectors[TOKENS]).max() > 1e-3


def test_dropping_keeps_unit_vectors(encoded: Encoding) -> None:
    np.testing.assert_allclose(np.linalg.norm(encoded(NoiseKind.STUFFING)[DROP], axis=1), 1.0, atol=1e-5)


def test_detection_separates_trained_kinds_from_held_out_ones(
    encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator
) -> None:
    found = detection(encoder, calibrator, articles[130:140], seed=1)
    assert {name for name, kind in found["kinds"].items() if not kind["trained"]} == {"clickbait"}
    assert found["kinds"]["punctuation spam"]["tokens"]["auroc"] > 0.95
    assert 0.0 <= found["normal_words_flagged"] <= 0.3
