from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.calibration.calibrator import Plan
from recsys.encoder import bert
from recsys.encoder.bert import TextEncoder, mean_pool
from recsys.encoder.device import choose_device, inference_precision
from recsys.errors import ConfigError, EncoderError
from recsys.settings import Precision

TEXTS = [
    "Rain",
    "sport tennis: Home player wins the open after five long sets in the sun",
    "Council votes on tram",
]


def test_padding_never_changes_a_vector(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(TEXTS)
    alone = np.concatenate([encoder.encode_tokens([ids]) for ids in tokens])
    np.testing.assert_allclose(encoder.encode_tokens(tokens), alone, atol=1e-5)


def test_vectors_have_unit_length(encoder: TextEncoder) -> None:
    vectors = encoder.encode_tokens(encoder.tokenize(TEXTS))
    assert vectors.shape == (3, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_near_meanings_are_nearer_than_far_ones(encoder: TextEncoder) -> None:
    texts = [
        "The team won the football match",
        "A late goal decided the soccer game",
        "Bank raises interest rates",
    ]
    first, second, third = encoder.encode_tokens(encoder.tokenize(texts))
    assert first @ second > first @ third + 0.2


def test_texts_are_cut_to_the_most_tokens(encoder: TextEncoder) -> None:
    assert [len(ids) for ids in encoder.tokenize(["word " * 1_000, ""])] == [64, 2]


def test_a_text_of_ten_megabytes_is_encoded(encoder: TextEncoder) -> None:
    assert np.isfinite(encoder.encode_tokens(encoder.tokenize(["news " * 2_000]))).all()


def test_an_encoder_that_is_not_there_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="ATTUNE_ENCODER"):
        TextEncoder(str(tmp_path))


def test_vectors_that_are_not_finite_are_refused(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bert, "mean_pool", lambda *args: torch.full((1, 384), torch.nan))
    with pytest.raises(EncoderError, match="minilm returned vectors that are not finite"):
        encoder.encode_tokens(encoder.tokenize(["x"]))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_cuda_device_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="ATTUNE_DEVICE"):
        choose_device("cuda")


def test_auto_takes_what_is_there() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(("precision", "cast"), [("float32", False), ("int8", False), ("bfloat16", True)])
def test_only_bfloat16_casts_on_its_own(precision: Precision, cast: bool) -> None:
    with inference_precision(torch.device("cpu"), precision):
        assert torch.is_autocast_enabled("cpu") is cast


def test_pooling_is_the_mean_of_real_tokens() -> None:
    hidden = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [99.0, 99.0]]])
    pooled = mean_pool(hidden, torch.tensor([[1, 1, 0]]))
    assert pooled.tolist() == [pytest.approx([0.6, 0.8])]


def test_pooling_nothing_is_zero_not_nan() -> None:
    assert mean_pool(torch.ones(1, 2, 3), torch.zeros(1, 2)).tolist() == [[0, 0, 0]]


def test_a_plan_made_among_longer_texts_fits_the_shorter_ones(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(TEXTS)
    gate = np.zeros((1, max(map(len, tokens))))
    gate[0, 1] = -3.0
    plan = Plan(np.asarray([0]), gate, np.zeros((1, 6, 12)), np.zeros_like(gate, dtype=np.bool_))
    length = len(tokens[0])
    shorter = replace(plan, log_gate=gate[:, :length], cut=plan.cut[:, :length])
    np.testing.assert_array_equal(
        encoder.encode_tokens(tokens[:1], plan), encoder.encode_tokens(tokens[:1], shorter)
    )
