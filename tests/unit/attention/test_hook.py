import numpy as np
import pytest
import torch
from transformers import AttentionInterface, AttentionMaskInterface

from recsys.attention import hook
from recsys.encoder.bert import TextEncoder

TEXTS = ["One", "Two words", "A title that is a good deal longer than the others in its batch"]


@pytest.fixture(scope="module")
def hooked() -> TextEncoder:
    return TextEncoder(device="cpu")


def encode(encoder: TextEncoder) -> np.ndarray:
    return encoder.encode_tokens(encoder.tokenize(TEXTS))


def test_the_hook_equals_plain_attention_on_the_real_encoder(hooked: TextEncoder) -> None:
    np.testing.assert_allclose(encode(hooked), encode(TextEncoder(device="cpu", attention="sdpa")), atol=1e-6)


def test_all_layers_go_through_the_hook(hooked: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(module: torch.nn.Module, *tensors: torch.Tensor, **options: object) -> tuple[torch.Tensor, None]:
        seen.append(module)
        return hook.calibrated_attention(module, *tensors, **options)

    AttentionInterface.register(hook.CALIBRATED, watched)
    try:
        encode(hooked)
    finally:
        hook.register()
    assert len(set(seen)) == 6


def test_padding_is_masked(hooked: TextEncoder) -> None:
    """Without its mask function a registered attention would attend padding."""
    alone = hooked.encode_tokens(hooked.tokenize(TEXTS[:1]))
    np.testing.assert_allclose(encode(hooked)[:1], alone, atol=1e-5)


def test_registering_again_changes_nothing() -> None:
    assert hook.register() == hook.register() == hook.CALIBRATED
    assert AttentionInterface()[hook.CALIBRATED] is hook.calibrated_attention
    assert hook.CALIBRATED in AttentionMaskInterface()
