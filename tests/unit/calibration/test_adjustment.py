"""Closed forms against the formula written out, and padding under adjustments."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from recsys.calibration.adjustment import Adjustment, adjusted_attention
from recsys.calibration.calibrator import Plan
from recsys.encoder.bert import TextEncoder
from tests.unit.calibration.materialised import adjusted, random_adjustment
from tests.unit.calibration.models import HEADS, LAYERS, Model, causal

PARTS = ("log_gate", "temperature", "mix")
TITLES = [
    "Budget",
    "Prime minister resigns after a vote",
    "Five things to know before the markets open on a long and rainy Monday morning",
]


def allowed_of(mask: str, lengths: torch.Tensor, tokens: int) -> torch.Tensor | None:
    """No mask, a padding mask as transformers gives it (expanded or whole), a causal one, or both."""
    real = (torch.arange(tokens) < lengths[:, None])[:, None, None, :]
    causal = torch.ones(1, 1, tokens, tokens, dtype=torch.bool).tril()
    expanded = real.expand(-1, 1, tokens, tokens)
    masks = {"padding": expanded, "padding, whole": expanded.clone(), "causal": causal, "both": real & causal}
    return masks.get(mask)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)], ids=["float32", "bfloat16"]
)
@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 24),
    st.sampled_from([1, 8, 32]),
    st.sampled_from(["none", "padding", "padding, whole", "causal", "both"]),
    st.frozensets(st.sampled_from(PARTS)),
    st.integers(0, 2**16),
)
def test_the_closed_form_equals_the_formula(
    dtype: torch.dtype,
    tolerance: float,
    batch: int,
    heads: int,
    tokens: int,
    width: int,
    mask: str,
    parts: frozenset[str],
    seed: int,
) -> None:
    make = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(batch, heads, tokens, width, generator=make) for _ in range(3))
    query, key, value = query.to(dtype), key.to(dtype), (value / 4).to(dtype)
    lengths = torch.randint(1, tokens + 1, (batch,), generator=make)
    allowed = allowed_of(mask, lengths, tokens)
    adjustment, layer = random_adjustment(batch, LAYERS, heads, tokens, seed, parts), seed % LAYERS
    scaling = width**-0.5
    found = adjusted_attention(query, key, value, allowed, scaling, adjustment.of(layer))
    expected = adjusted(query, key, value, allowed, scaling, adjustment, layer)
    assert found.dtype is dtype
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("parts", [("log_gate",), ("temperature",), ("mix",), tuple(PARTS)], ids="+".join)
def test_the_closed_form_equals_the_formula_inside_a_model(other: Model, parts: tuple[str, ...]) -> None:
    rows = slice(0, 5)
    adjustment = random_adjustment(5, LAYERS, HEADS, other.tokens, 4, frozenset(parts))
    calls = iter(range(LAYERS))

    def written_out(
        module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, **options: Any
    ) -> tuple[torch.Tensor, None]:
        scaling = options["scaling"]
        return adjusted(query, key, value, mask, scaling, adjustment, next(calls)).float(), None

    AttentionInterface.register("written_out", written_out)
    AttentionMaskInterface.register("written_out", sdpa_mask)
    expected = other.run_with("written_out", rows)
    found = other.hidden(rows, adjustment=adjustment)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert (found - other.hidden(rows)).abs().max() > 1e-3
    assert next(calls, None) is None


def test_a_mix_of_one_is_the_plain_mean_and_of_zero_nothing() -> None:
    torch.manual_seed(3)
    query, key, value = (torch.randn(2, 2, 6, 4) for _ in range(3))
    plain = adjusted_attention(query, key, value, None, 0.5, Adjustment().of(0))
    none = adjusted_attention(query, key, value, None, 0.5, Adjustment(mix=torch.zeros(2, 1, 2)).of(0))
    whole = adjusted_attention(query, key, value, None, 0.5, Adjustment(mix=torch.ones(2, 1, 2)).of(0))
    torch.testing.assert_close(none, plain)
    torch.testing.assert_close(whole, value.mean(dim=2)[:, None].expand_as(whole))


def plan_of(lengths: list[int], encoder: TextEncoder, seed: int) -> Plan:
    """Gates and mixes for every text, drawn text by text: padding has no part in them."""
    log_gate, mix = np.zeros((len(lengths), max(lengths))), np.zeros((len(lengths), 6, 12))
    for row, length in enumerate(lengths):
        rng = np.random.default_rng([seed, row])
        log_gate[row, 1 : length - 1] = -2 * rng.random(length - 2)
        mix[row] = 0.3 * rng.random((6, 12))
    return Plan(np.arange(len(lengths)), log_gate, mix, np.zeros_like(log_gate, dtype=np.bool_))


@pytest.mark.parametrize("part", ["nothing", "gate", "mix", "both"])
def test_a_text_in_a_batch_gets_the_vector_it_gets_alone(encoder: TextEncoder, part: str) -> None:
    tokens = encoder.tokenize(TITLES)
    plan = plan_of([len(ids) for ids in tokens], encoder, seed=5)
    if part in ("nothing", "mix"):
        plan.log_gate[:] = 0
    if part in ("nothing", "gate"):
        plan.mix[:] = 0
    together = encoder.encode_tokens(tokens, plan)
    for row, ids in enumerate(tokens):
        only = slice(row, row + 1)
        own = Plan(np.arange(1), plan.log_gate[only, : len(ids)], plan.mix[only], plan.cut[only, : len(ids)])
        np.testing.assert_allclose(together[row], encoder.encode_tokens([ids], own)[0], atol=1e-5)
    plain = encoder.encode_tokens(tokens)
    assert np.allclose(together, plain, atol=1e-5) == (part == "nothing")


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 60), st.integers(0, 2**16))
def test_more_padding_never_changes_a_vector(encoder: TextEncoder, extra: int, seed: int) -> None:
    tokens = encoder.tokenize(TITLES[:2])
    longer = [101, *([2000 + seed % 9000] * extra), 102]
    lengths = [len(ids) for ids in (*tokens, longer)]
    plan = plan_of(lengths, encoder, seed)
    short = plan_of(lengths[:2], encoder, seed)
    padded = encoder.encode_tokens([*tokens, longer], plan)[:2]
    np.testing.assert_allclose(padded, encoder.encode_tokens(tokens, short), atol=1e-5)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("side", ["before", "behind"])
def test_padding_changes_nothing_in_a_causal_model(part: str, side: str) -> None:
    """Padding before the text may attend nothing at all: it must not spread what is not a number."""
    network, tap = causal()
    ids = torch.randint(0, 50, (1, 6), generator=torch.Generator().manual_seed(1))
    changed = random_adjustment(1, LAYERS, HEADS, 6, 2, frozenset({part}))
    amount = (3, 0) if side == "before" else (0, 3)
    padded, mask = (torch.nn.functional.pad(row, amount) for row in (ids, torch.ones_like(ids)))
    gate = None if changed.log_gate is None else torch.nn.functional.pad(changed.log_gate, amount)
    with torch.inference_mode():
        with tap.using(adjustment=changed):
            alone = network(ids).last_hidden_state
        with tap.using(adjustment=replace(changed, log_gate=gate)):
            found = network(padded, attention_mask=mask).last_hidden_state[:, mask[0].bool()]
        plain = network(ids).last_hidden_state
    torch.testing.assert_close(found, alone, atol=1e-4, rtol=1e-4)
    assert (alone - plain).abs().max() > 1e-3
