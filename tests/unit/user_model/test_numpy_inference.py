"""The served network equals the trained one: numpy and torch give the same numbers."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.user_model.match_explanation import predicted_importance
from recsys.user_model.matcher import ReadHistory
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.preference_network import HistoryBatch, PreferenceNetwork
from tests.unit.user_model.cases import TINY, one_history, reads, units

CLOSE = 1e-5


def network(**calibration: float) -> PreferenceNetwork:
    torch.manual_seed(5)
    model = PreferenceNetwork(replace(TINY, **calibration)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for weight in model.parameters():  # biases start at 0, where a wrong one would go unseen
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def some_reads(count: int, unknown: float, seed: int) -> ReadHistory:
    rng = np.random.default_rng(seed)
    seconds = np.where(rng.random(count) < unknown, np.nan, rng.uniform(1, 300, count))
    return ReadHistory.of(units(count, seed), seconds, rng.uniform(0, 200, count), np.full(count, 60.0))


calibrations = st.fixed_dictionaries(
    {
        "temperature": st.floats(0.2, 5.0),
        "dwell_weight": st.sampled_from([0.0, 1.0, 8.0]),
        "keep": st.sampled_from([1.0, 0.75, 0.5, 0.1]),
    }
)
histories = st.builds(some_reads, st.integers(1, 9), st.sampled_from([0.0, 0.4, 1.0]), st.integers(0, 50))


@given(history=histories, calibration=calibrations)
@settings(max_examples=80)
def test_scores_attention_and_interests_are_those_of_the_trained_network(
    history: ReadHistory, calibration: dict[str, float]
) -> None:
    model, candidates = network(**calibration), units(7, 1)
    matcher = NetworkMatcher(model.weights())
    with torch.inference_mode():
        interests, alpha = model.interests(one_history(history.last(TINY.history)))
        scores = model.scores(interests, torch.from_numpy(candidates).unsqueeze(0))[0]
    match = matcher.match(history, candidates, 0)
    np.testing.assert_allclose(match.scores, scores.numpy(), atol=CLOSE)
    weighted = (interests.log_shares[0].exp() @ alpha[0]).numpy()
    np.testing.assert_allclose(match.attention[-TINY.history :], weighted, atol=CLOSE)
    found = matcher.encoded(history).interests
    np.testing.assert_allclose(found.vectors, interests.vectors.numpy(), atol=CLOSE)
    np.testing.assert_allclose(found.log_shares, interests.log_shares.numpy(), atol=CLOSE)
    np.testing.assert_allclose(np.exp(found.log_shares).sum(), 1.0, atol=CLOSE)


@given(history=histories.filter(lambda reads: 1 < len(reads) <= TINY.history), calibration=calibrations)
@settings(max_examples=40)
def test_scores_without_a_read_are_those_of_the_trained_network_with_it_masked(
    history: ReadHistory, calibration: dict[str, float]
) -> None:
    model, candidates = network(**calibration), units(3, 1)
    items = np.arange(len(history), dtype=np.intp)
    found = NetworkMatcher(model.weights()).leave_one_out_scores(history, items, candidates, 0)
    whole = one_history(history)
    for item in items.tolist():
        mask = whole.mask.clone()
        mask[0, item] = False
        masked = replace(whole, mask=mask, quantile=whole.quantile.masked_fill(~mask, float("nan")))
        with torch.inference_mode():
            scores = model.scores(model.interests(masked)[0], torch.from_numpy(candidates).unsqueeze(0))[0]
        np.testing.assert_allclose(found[item], scores.numpy(), atol=CLOSE)


def test_importance_is_that_of_the_trained_network() -> None:
    model, history = network(), reads(5)
    batch = one_history(history)
    per_history = [name for name in HistoryBatch.__slots__ if name != "vectors"]
    copies = replace(batch, **{name: getattr(batch, name).repeat_interleave(5, dim=0) for name in per_history})
    with torch.inference_mode():
        odds = model.importance(model.read(copies.without_dwell(torch.eye(5, dtype=torch.bool))))
    expected = odds.diagonal().sigmoid().numpy()
    np.testing.assert_allclose(
        predicted_importance(NetworkMatcher(model.weights()), history), expected, atol=CLOSE
    )


def test_weights_make_the_same_network_again() -> None:
    model = network(keep=0.5)
    again = PreferenceNetwork.of(model.weights())
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_the_encoding_of_a_history_goes_with_it() -> None:
    matcher, history = NetworkMatcher(network().weights()), reads(4)
    matcher.match(history, units(2, 1), 0)
    gone = weakref.ref(history)
    del history
    gc.collect()
    assert gone() is None
