from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.matcher import ReadHistory
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.preference_network import HistoryBatch, PreferenceNetwork
from tests.unit.user_model.cases import TINY, one_history, reads, units


def network(config: PreferenceConfig = TINY) -> PreferenceNetwork:
    torch.manual_seed(3)
    return PreferenceNetwork(config).eval()


def batch(real: list[int], length: int) -> HistoryBatch:
    """Histories with that many real reads each, and noise where there is padding."""
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(length) < torch.tensor(real)[:, None]
    return HistoryBatch(
        vectors=torch.randn(len(real) * length, TINY.dim, generator=rng),
        rows=torch.arange(len(real) * length).reshape(len(real), length),
        seconds=torch.rand(len(real), length, generator=rng) * 100,
        age=torch.rand(len(real), length, generator=rng),
        quantile=torch.rand(len(real), length, generator=rng).masked_fill(~mask, float("nan")),
        noise=torch.full((len(real),), 0.3),
        mask=mask,
    )


@settings(deadline=None, max_examples=20)
@given(
    real=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    temperature=st.floats(0.2, 5.0),
    dwell_weight=st.floats(0.0, 20.0),
    keep=st.floats(0.1, 1.0),
)
def test_attention_sums_to_one_over_real_reads_and_is_zero_on_padding(
    real: list[int], temperature: float, dwell_weight: float, keep: float
) -> None:
    given_ = batch(real, 6)
    config = replace(TINY, temperature=temperature, dwell_weight=dwell_weight, keep=keep)
    with torch.inference_mode():
        interests, alpha = network(config).interests(given_)
    assert alpha.shape == (len(real), TINY.interests, 6)
    torch.testing.assert_close(alpha.sum(dim=2), torch.ones(len(real), TINY.interests))
    assert (alpha.transpose(1, 2)[~given_.mask] == 0).all()
    torch.testing.assert_close(interests.vectors.norm(dim=-1), torch.ones(len(real), TINY.interests))


def test_values_in_the_padding_change_nothing() -> None:
    history = batch([2, 4], 6)
    other = replace(history, vectors=torch.where(history.mask.reshape(-1, 1), history.vectors, 9.0))
    model = network()
    with torch.inference_mode():
        one = model.interests(history)[0].vectors
        two = model.interests(other)[0].vectors
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("length", [3, 6, 50])
def test_room_for_more_history_does_not_change_scores(length: int) -> None:
    weights, history, candidates = network().weights(), reads(3), units(5, 1)
    scores = NetworkMatcher(weights).match(history, candidates, 0).scores
    other = NetworkMatcher(weights.calibrated(replace(TINY, history=length)))
    np.testing.assert_allclose(other.match(history, candidates, 0).scores, scores, atol=1e-5)


def test_an_untrained_network_roughly_agrees_with_the_content_match() -> None:
    """A reader of one topic: candidates more and less of that topic come in about the same order."""
    topic = units(1, 9, 384)
    history = replace(reads(8, 5, 384), vectors=_unit(topic + 0.8 * units(8, 5, 384)))
    candidates = _unit(np.linspace(-1, 1, 40)[:, None] * topic + units(40, 6, 384))
    ours = NetworkMatcher(network(PreferenceConfig()).weights()).match(history, candidates, 0).scores
    plain = ContentMatcher().match(history, candidates, 0).scores
    assert np.corrcoef(ours.argsort().argsort(), plain.argsort().argsort())[0, 1] > 0.8


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_scores_of_a_candidate_do_not_depend_on_the_others() -> None:
    matcher, history, candidates = NetworkMatcher(network().weights()), reads(4), units(6, 1)
    together = matcher.match(history, candidates, 0).scores
    alone = [matcher.match(history, candidates[i : i + 1], 0).scores[0] for i in range(6)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_equal_requests_give_bit_equal_scores() -> None:
    matcher, history, candidates = NetworkMatcher(network().weights()), reads(4), units(6, 1)
    one, two = (matcher.match(history, candidates, 0) for _ in range(2))
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.attention, two.attention)


def test_attention_covers_the_last_reads_that_fit() -> None:
    match = NetworkMatcher(network().weights()).match(reads(9), units(2), 0)
    assert match.attention.shape == (9,)
    assert match.attention[:3].tolist() == [0, 0, 0]
    assert match.attention.sum() == pytest.approx(1.0, abs=1e-5)


def test_dwell_and_age_are_seen_unless_unknown() -> None:
    matcher, history, candidates = NetworkMatcher(network().weights()), reads(4), units(6, 1)
    before = matcher.match(history, candidates, 0).scores
    for changed in (replace(history, seconds=history.seconds * 10), replace(history, age=history.age * 10)):
        assert not np.array_equal(matcher.match(changed, candidates, 0).scores, before)
    unknown = replace(history, seconds=np.full(4, np.nan))
    assert np.isfinite(matcher.match(unknown, candidates, 0).scores).all()


def test_without_history_all_score_zero() -> None:
    matcher = NetworkMatcher(network().weights())
    assert matcher.match(reads(0), units(3), 0).scores.tolist() == [0, 0, 0]
    assert matcher.interests(reads(0), 0).shape == (0, 16)


def test_interests_are_unit_queries_in_article_space() -> None:
    queries = NetworkMatcher(network().weights()).interests(reads(9), 0)
    assert queries.shape == (TINY.interests, 16)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1.0, atol=1e-5)


def test_without_calibration_attention_is_that_of_the_plain_network() -> None:
    """τ = 1, η = 0 and a full history change nothing, to the last bit."""
    model, history = network(), batch([3, 6, 1], 6)
    with torch.inference_mode():
        interests, alpha = model.interests(history)
        seen = model.read(history)
        logits = model.query(torch.tanh(model.additive(seen.hidden))) + model._routes(seen, history.mask)
        plain = logits.masked_fill(~history.mask[..., None], float("-inf")).softmax(dim=1)
        pooled = torch.einsum("bhk,bhp->bkp", plain, seen.values + model.residual * seen.hidden)
    assert torch.equal(alpha, plain.transpose(1, 2))
    assert torch.equal(interests.vectors, torch.nn.functional.normalize(pooled, dim=-1))


def attention(history: ReadHistory, **calibration: float) -> np.ndarray:
    return NetworkMatcher(network(replace(TINY, **calibration)).weights()).match(history, units(3, 1), 0).attention  # type: ignore[arg-type]


def test_the_dwell_prior_moves_attention_to_long_reads_the_more_the_noisier_the_clicks() -> None:
    history = replace(reads(5), quantile=np.asarray([0.2, 0.4, 0.6, 0.8, 1.0]))
    plain = attention(history)
    noisy, steady = (attention(replace(history, noise=noise), dwell_weight=4.0) for noise in (0.8, 0.1))
    assert noisy[-1] > steady[-1] > plain[-1]
    assert noisy[0] < steady[0] < plain[0]
    np.testing.assert_array_equal(attention(replace(history, noise=0.0), dwell_weight=4.0), plain)


def test_without_known_dwell_the_prior_and_the_filter_leave_attention_alone() -> None:
    history = replace(reads(5), quantile=np.full(5, np.nan))
    plain = attention(history)
    np.testing.assert_array_equal(attention(history, dwell_weight=9.0), plain)
    np.testing.assert_allclose(attention(history, keep=0.2), plain, atol=1e-6)


def test_a_read_of_unknown_dwell_counts_as_the_middle_one() -> None:
    quantile = torch.tensor([[0.2, float("nan"), 0.6, 1.0, float("nan"), float("nan")]])
    known = replace(batch([5], 6), quantile=quantile).known_quantile()
    torch.testing.assert_close(known[0, :5], torch.tensor([0.2, 0.6, 0.6, 1.0, 0.6]))


def test_a_low_temperature_sharpens_and_a_high_one_evens_out() -> None:
    sharp, plain, even = (attention(reads(5), temperature=value) for value in (0.2, 1.0, 5.0))
    assert sharp.std() > plain.std() > even.std()


@pytest.mark.parametrize(("keep", "kept"), [(0.2, 1), (0.5, 3), (0.01, 1), (1.0, 5)])
def test_the_filter_keeps_the_reads_with_the_largest_attention_times_quantile(keep: float, kept: int) -> None:
    history = replace(reads(5), quantile=np.asarray([0.2, 1.0, 0.6, 0.8, 0.4]))
    weight = attention(history) * history.quantile
    assert set(np.flatnonzero(attention(history, keep=keep))) == set(np.argsort(-weight)[:kept])


def test_withheld_dwell_is_in_no_input() -> None:
    history = batch([4], 6)
    hidden = torch.zeros(1, 6, dtype=torch.bool)
    hidden[0, 1] = True
    model = network()
    reported = []
    for seconds in (2.0, 500.0):
        changed = replace(
            history,
            seconds=history.seconds.masked_fill(hidden, seconds),
            quantile=history.quantile.masked_fill(hidden, seconds / 500),
        )
        with torch.inference_mode():
            reported.append(model.importance(model.read(changed.without_dwell(hidden))))
    assert torch.equal(*reported)


def test_each_interest_attends_to_another_topic_of_the_history() -> None:
    """Three topics are read: beside the first interest, of the whole history, three others find one each."""
    topics = np.eye(16, dtype=np.float32)[[0, 5, 9, 0, 5, 9, 0, 5, 9]]
    vectors = topics + 0.05 * units(9)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model = network(replace(TINY, interests=4, history=9))
    with torch.inference_mode():
        _, alpha = model.interests(one_history(replace(reads(9), vectors=vectors)))
    mass = alpha[0, 1:].numpy() @ topics[:, [0, 5, 9]]
    assert sorted(mass.argmax(axis=1)) == [0, 1, 2]
    assert mass.max(axis=1).min() > 0.9
