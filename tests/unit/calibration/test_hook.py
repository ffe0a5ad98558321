import numpy as np
import pytest
import torch
from transformers import AttentionInterface, AttentionMaskInterface

from recsys.calibration import hook
from recsys.calibration.adjustment import Adjustment
from recsys.calibration.attention_statistics import Observer
from recsys.encoder.bert import TextEncoder
from recsys.errors import EncoderError
from tests.unit.calibration.models import LAYERS, Model

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


def test_an_idle_tap_and_an_empty_adjustment_change_nothing_in_the_text_encoder(hooked: TextEncoder) -> None:
    batch = hooked._padded(hooked.tokenize(TEXTS))
    plain = TextEncoder(device="cpu", attention="sdpa")
    expected = plain._vectors(batch)
    np.testing.assert_allclose(hooked._vectors(batch), expected, atol=1e-6)
    with hooked._tap.using(adjustment=Adjustment()):
        np.testing.assert_allclose(hooked._vectors(batch), expected, atol=1e-6)


def test_an_idle_tap_and_an_empty_adjustment_change_nothing_in_other_models(other: Model) -> None:
    expected = other.run_with("sdpa", slice(0, 6))
    for adjustment in (None, Adjustment()):
        found = other.hidden(slice(0, 6), adjustment=adjustment)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_watching_changes_nothing(other: Model) -> None:
    expected = other.hidden(slice(0, 3))
    watcher = Observer(torch.ones(3, other.tokens))
    torch.testing.assert_close(other.hidden(slice(0, 3), watcher), expected, atol=1e-6, rtol=0)


def test_every_layer_is_found_once_under_its_own_name(other: Model) -> None:
    other.observe(slice(0, 2))
    other.observe(slice(0, 2))
    named = dict(other.network.named_modules())
    assert len(other.tap.layers) == len(set(other.tap.layers)) == LAYERS
    assert all(name in named for name in other.tap.layers)


def test_a_tap_is_idle_again_after_an_error(other: Model) -> None:
    with pytest.raises(ZeroDivisionError), other.tap.using(adjustment=Adjustment()):
        raise ZeroDivisionError
    assert other.tap.adjustment is None
    assert other.tap.watcher is None


def attention_module(causal: bool) -> tuple[torch.nn.Module, hook.Tap]:
    module = torch.nn.Identity()
    module.is_causal = causal
    return module, hook.attach(module)


def test_a_causal_mask_left_to_the_kernel_is_kept_when_adjusted() -> None:
    torch.manual_seed(0)
    module, tap = attention_module(causal=True)
    query, key, value = (torch.randn(2, 4, 5, 8) for _ in range(3))
    idle, _ = hook.calibrated_attention(module, query, key, value, None, scaling=0.3)
    with tap.using(adjustment=Adjustment()):
        found, _ = hook.calibrated_attention(module, query, key, value, None, scaling=0.3)
    torch.testing.assert_close(found, idle)


def test_grouped_queries_share_their_keys_when_adjusted() -> None:
    torch.manual_seed(0)
    module, tap = attention_module(causal=False)
    module.num_key_value_groups = 2
    query, key, value = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    idle, _ = hook.calibrated_attention(module, query, key, value, None)
    with tap.using(adjustment=Adjustment()):
        found, _ = hook.calibrated_attention(module, query, key, value, None)
    torch.testing.assert_close(found, idle)


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [("position_bias", torch.zeros(1, 1, 3, 3), "bias by position"), ("softcap", 30.0, "caps the logits")],
)
def test_a_model_that_changes_the_logits_is_refused_when_adjusted(option: str, value: object, why: str) -> None:
    module, tap = attention_module(causal=False)
    states = torch.randn(1, 1, 3, 4)
    with tap.using(adjustment=Adjustment()), pytest.raises(EncoderError, match=why):
        hook.calibrated_attention(module, states, states, states, None, **{option: value})
