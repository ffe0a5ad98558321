import numpy as np
import polars as pl
import pytest

from recsys.calibration.calibrator import Calibrator
from recsys.encoder.bert import TextEncoder
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


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")


@pytest.fixture(scope="module")
def articles() -> pl.DataFrame:
    return world().articles


@pytest.fixture(scope="module")
def calibrator(encoder: TextEncoder, articles: pl.DataFrame) -> Calibrator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_detectors, "DRAWS", 6)
        return fit_detectors.fit_calibrator(encoder, articles[:100], seed=7)


def texts(encoder: TextEncoder, articles: pl.DataFrame, kind: NoiseKind | None) -> DamagedTexts:
    some = articles[100:140]
    injector = injector_of(encoder, articles)
    return tokenised(encoder, some, damaged_titles(some, [kind] * some.height, injector, seed=1))


def test_off_is_what_the_encoder_says(
    encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator
) -> None:
    some = texts(encoder, articles, None)
    vectors = encode_by_arm(encoder, calibrator, some, seed=1)
    assert set(vectors) == set(ARMS)
    np.testing.assert_allclose(vectors[OFF], encoder.encode_tokens(some.tokens), atol=1e-5)


def test_a_perfect_detector_leaves_undamaged_texts_alone(
    encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator
) -> None:
    vectors = encode_by_arm(encoder, calibrator, texts(encoder, articles, None), seed=1)
    np.testing.assert_array_equal(vectors[ORACLE], vectors[OFF])


@pytest.mark.parametrize("kind", [NoiseKind.STUFFING, NoiseKind.PUNCTUATION])
def test_the_gate_brings_structural_damage_nearer_to_the_undamaged_text(
    encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator, kind: NoiseKind
) -> None:
    clean = encode_by_arm(encoder, calibrator, texts(encoder, articles, None), seed=1)[OFF]
    corrupted = encode_by_arm(encoder, calibrator, texts(encoder, articles, kind), seed=1)
    near = {arm: float((clean * corrupted[arm]).sum(axis=1).mean()) for arm in ARMS}
    assert near[TOKENS] > near[OFF] + 0.02
    assert near[ORACLE] > near[OFF] + 0.02
    assert near[TOKENS] > near[RANDOM]


def test_all_is_both(encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator) -> None:
    vectors = encode_by_arm(encoder, calibrator, texts(encoder, articles, NoiseKind.STUFFING), seed=1)
    assert np.abs(vectors[HEADS] - vectors[OFF]).max() > 1e-3
    assert np.abs(vectors[ALL] - vectors[TOKENS]).max() > 1e-3


def test_dropping_keeps_unit_vectors(encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator) -> None:
    vectors = encode_by_arm(encoder, calibrator, texts(encoder, articles, NoiseKind.STUFFING), seed=1)
    np.testing.assert_allclose(np.linalg.norm(vectors[DROP], axis=1), 1.0, atol=1e-5)


def test_detection_tells_trained_kinds_from_those_held_out(
    encoder: TextEncoder, articles: pl.DataFrame, calibrator: Calibrator
) -> None:
    found = detection(encoder, calibrator, articles[100:130], seed=1)
    assert {name for name, kind in found["kinds"].items() if not kind["trained"]} == {"clickbait"}
    assert found["kinds"]["punctuation spam"]["tokens"]["auroc"] > 0.95
    assert 0.0 <= found["normal_words_flagged"] <= 0.3
