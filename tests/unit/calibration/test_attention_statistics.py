"""Statistics against a plain loop over attention written out."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import HEAD, TOKEN, Observation, Observer, coherence
from recsys.calibration.head_anomaly_detector import fit_structure
from recsys.calibration.normal_profile import Profile
from recsys.calibration.training_loop import FitConfig
from recsys.encoder.bert import TextEncoder
from recsys.errors import EncoderError
from tests.unit.calibration.models import HEADS, LAYERS, Model

TITLES = ["Budget", "Prime minister resigns after a vote", "Five things to know before the markets open today"]


def by_loop(weights: list[list[float]], length: int) -> tuple[list[float], list[list[float]]]:
    """(head statistics, token statistics) of one head on one text, from its attention weights."""
    entropies, most, first, last, distance = [], 0.0, 0.0, 0.0, 0.0
    for i in range(length):
        row = weights[i][:length]
        entropies.append(-sum(w * log(w) for w in row if w > 0) / log(max(length, 2)))
        most += max(row)
        first += row[0]
        last += row[length - 1]
        distance += sum(w * abs(i - j) / length for j, w in enumerate(row))
    received = [sum(weights[i][j] for i in range(length)) for j in range(length)]
    heads = [sum(entropies), most, first, last, distance]
    return [value / length for value in heads], [[received[j], weights[j][j], entropies[j]] for j in range(length)]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["padding", "causal", "none"]),
    st.floats(0.1, 30),
    st.integers(0, 2**16),
)
def test_the_statistics_equal_a_plain_loop(
    lengths: list[int], heads: int, layers: int, mask: str, sharpness: float, seed: int
) -> None:
    make = torch.Generator().manual_seed(seed)
    if mask == "none":
        lengths = [max(lengths)] * len(lengths)
    texts, tokens = len(lengths), max(lengths)
    real = torch.arange(tokens) < torch.tensor(lengths)[:, None]
    allowed = real[:, None, None, :].expand(-1, 1, tokens, tokens)
    if mask == "causal":
        allowed = allowed & torch.ones(tokens, tokens, dtype=torch.bool).tril()
    observer, written_out = Observer(real), []
    for layer in range(layers):
        query, key = (torch.randn(texts, heads, tokens, 4, generator=make) for _ in range(2))
        observer.see(layer, query, key, None if mask == "none" else allowed, sharpness / 4)
        logits = (query.double() @ key.double().mT * (sharpness / 4)).masked_fill(~allowed, -torch.inf)
        written_out.append(logits.softmax(dim=-1))
    seen = observer.observation()
    assert seen.heads.shape == (texts, layers, heads, len(HEAD))
    assert seen.tokens.shape == (texts, tokens, layers, heads, len(TOKEN))
    for text, length in enumerate(lengths):
        for layer in range(layers):
            for head in range(heads):
                of_head, of_tokens = by_loop(written_out[layer][text, head].tolist(), length)
                np.testing.assert_allclose(seen.heads[text, layer, head], of_head, atol=2e-5)
                np.testing.assert_allclose(seen.tokens[text, :length, layer, head], of_tokens, atol=5e-5)
                assert (seen.tokens[text, length:] == 0).all()


@pytest.mark.parametrize("mask", [[[1, 1], [0, 1]], [[1, 0], [0, 0]], [[1, 0, 1], [1, 1, 1]]])
def test_padding_before_a_token_is_refused(mask: list[list[int]]) -> None:
    with pytest.raises(EncoderError, match="padded on the right"):
        Observer(torch.tensor(mask))


def test_received_mass_is_an_even_share_on_average(encoder: TextEncoder) -> None:
    _, seen = encoder.observe_tokens(encoder.tokenize(TITLES))
    for text, length in enumerate(seen.lengths):
        assert seen.received[text, :length].mean() == pytest.approx(1.0, abs=1e-4)
    assert (seen.received[~seen.real] == 0).all()
    assert len(seen) == len(TITLES)


def test_a_sample_of_rows_equals_the_same_rows_of_the_whole(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(TITLES)
    vectors, whole = encoder.observe_tokens(tokens)
    same_vectors, sample = encoder.observe_tokens(tokens, rows=2)
    np.testing.assert_array_equal(vectors, same_vectors)
    equal(sample, whole, rows=2)


def test_a_sample_equals_the_whole_in_other_models(other: Model) -> None:
    equal(other.observe(slice(0, 6), watched=3), other.observe(slice(0, 6)), rows=3)


def equal(sample: Observation, whole: Observation, rows: int) -> None:
    assert len(sample) == rows
    np.testing.assert_array_equal(sample.lengths, whole.lengths[:rows])
    np.testing.assert_allclose(sample.heads, whole.heads[:rows], atol=1e-6)
    np.testing.assert_allclose(sample.tokens, whole.tokens[:rows], atol=1e-5)


def test_a_text_is_seen_in_a_batch_as_it_is_seen_alone(encoder: TextEncoder) -> None:
    tokens = encoder.tokenize(TITLES)
    _, whole = encoder.observe_tokens(tokens)
    for row, ids in enumerate(tokens):
        _, alone = encoder.observe_tokens([ids])
        np.testing.assert_allclose(whole.heads[row], alone.heads[0], atol=2e-5)
        np.testing.assert_allclose(whole.tokens[row, : len(ids)], alone.tokens[0], atol=2e-4)


def test_other_models_are_watched_profiled_and_judged(other: Model) -> None:
    seen = [other.observe(slice(start, start + 100)) for start in range(0, 400, 100)]
    assert seen[0].heads.shape == (100, LAYERS, HEADS, len(HEAD))
    profile = Profile(LAYERS, HEADS)
    for batch in seen:
        assert np.isfinite(batch.heads).all()
        assert np.isfinite(batch.tokens).all()
        assert batch.heads.min() >= 0
        assert batch.heads.max() <= 1 + 1e-5
        assert (batch.heads[..., HEAD.index("entropy")] > 0).all()
        profile.add(batch)
    assert profile.texts == 400
    detector = fit_structure(profile, seen, FitConfig(epochs=3))
    structure = detector.measure(seen[0])
    assert structure.score.shape == (100,)
    assert structure.heads.shape == (100, LAYERS, HEADS)
    assert np.isfinite(structure.score).all()
    assert detector.anomalous(structure, seen[0].lengths).mean() < 0.2


def test_coherence_is_the_cosine_with_the_other_tokens_and_the_context() -> None:
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(2, 4, 5)).astype(np.float32)
    mask = np.asarray([[True] * 4, [True] * 3 + [False]])
    context = np.stack([units_of(rng.normal(size=5)), np.zeros(5)]).astype(np.float32)
    found = coherence(torch.from_numpy(hidden), torch.from_numpy(mask), torch.from_numpy(context)).numpy()
    for text, length in enumerate((4, 3)):
        tokens = np.stack([units_of(token) for token in hidden[text, :length]])
        for place in range(length):
            rest = units_of(np.delete(tokens, place, axis=0).sum(axis=0))
            expected = [tokens[place] @ rest, tokens[place] @ context[text], float(text == 0)]
            np.testing.assert_allclose(found[text, place], expected, atol=1e-6)
    np.testing.assert_array_equal(found[1, 3], 0)


def units_of(vector: NDArray[np.floating]) -> NDArray[np.floating]:
    return vector / np.linalg.norm(vector)
