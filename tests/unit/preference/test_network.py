from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.preference.content import ContentMatcher
from recsys.preference.matcher import NetworkMatcher
from recsys.preference.network import PreferenceConfig, PreferenceNetwork
from tests.unit.preference.cases import TINY, reads, units


def network(config: PreferenceConfig = TINY) -> PreferenceNetwork:
    torch.manual_seed(3)
    return PreferenceNetwork(config).eval()


def batch(real: list[int], length: int) -> tuple[torch.Tensor, ...]:
    """Histories with that many real reads each, and noise where there is padding."""
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(length) < torch.tensor(real)[:, None]
    return (
        torch.randn(len(real), length, TINY.dim, generator=rng),
        torch.rand(len(real), length, generator=rng) * 100,
        torch.rand(len(real), length, generator=rng),
        mask,
    )


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_attention_sums_to_one_over_real_reads_and_is_zero_on_padding(real: list[int]) -> None:
    given_ = batch(real, 6)
    with torch.inference_mode():
        interests, alpha = network().interests(*given_)
    assert alpha.shape == (len(real), TINY.interests, 6)
    torch.testing.assert_close(alpha.sum(dim=2), torch.ones(len(real), TINY.interests))
    assert (alpha.transpose(1, 2)[~given_[3]] == 0).all()
    torch.testing.assert_close(interests.norm(dim=-1), torch.ones(len(real), TINY.interests))


def test_what_stands_in_the_padding_changes_nothing() -> None:
    vectors, seconds, age, mask = batch([2, 4], 6)
    model = network()
    with torch.inference_mode():
        one, _ = model.interests(vectors, seconds, age, mask)
        two, _ = model.interests(torch.where(mask[..., None], vectors, 9.0), seconds, age, mask)
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("length", [3, 6, 50])
def test_the_length_of_the_padding_does_not_change_scores(length: int) -> None:
    model, history, candidates = network(), reads(3), units(5, 1)
    scores = NetworkMatcher(model).match(history, candidates, 0).scores
    model.config = replace(TINY, history=length)
    np.testing.assert_allclose(NetworkMatcher(model).match(history, candidates, 0).scores, scores, atol=1e-5)


def test_an_untrained_network_roughly_agrees_with_the_content_match() -> None:
    """A reader of one topic: candidates more and less of that topic come in about the same order."""
    topic = units(1, 9, 384)
    history = replace(reads(8, 5, 384), vectors=_unit(topic + 0.8 * units(8, 5, 384)))
    candidates = _unit(np.linspace(-1, 1, 40)[:, None] * topic + units(40, 6, 384))
    ours = NetworkMatcher(network(PreferenceConfig())).match(history, candidates, 0).scores
    plain = ContentMatcher().match(history, candidates, 0).scores
    assert np.corrcoef(ours.argsort().argsort(), plain.argsort().argsort())[0, 1] > 0.8


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_scores_of_a_candidate_do_not_depend_on_the_others() -> None:
    matcher, history, candidates = NetworkMatcher(network()), reads(4), units(6, 1)
    together = matcher.match(history, candidates, 0).scores
    alone = [matcher.match(history, candidates[i : i + 1], 0).scores[0] for i in range(6)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_equal_requests_give_bit_equal_scores() -> None:
    matcher, history, candidates = NetworkMatcher(network()), reads(4), units(6, 1)
    one, two = (matcher.match(history, candidates, 0) for _ in range(2))
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.attention, two.attention)


def test_attention_covers_the_last_reads_that_fit() -> None:
    match = NetworkMatcher(network()).match(reads(9), units(2), 0)
    assert match.attention.shape == (9,)
    assert match.attention[:3].tolist() == [0, 0, 0]
    assert match.attention.sum() == pytest.approx(1.0, abs=1e-5)


def test_dwell_and_age_are_seen_unless_unknown() -> None:
    matcher, history, candidates = NetworkMatcher(network()), reads(4), units(6, 1)
    before = matcher.match(history, candidates, 0).scores
    for changed in (replace(history, seconds=history.seconds * 10), replace(history, age=history.age * 10)):
        assert not np.array_equal(matcher.match(changed, candidates, 0).scores, before)
    unknown = replace(history, seconds=np.full(4, np.nan))
    assert np.isfinite(matcher.match(unknown, candidates, 0).scores).all()


def test_without_history_all_score_zero_and_nothing_is_asked() -> None:
    matcher = NetworkMatcher(network())
    assert matcher.match(reads(0), units(3), 0).scores.tolist() == [0, 0, 0]
    assert matcher.interests(reads(0), 0).shape == (0, 16)


def test_interests_are_unit_queries_in_article_space() -> None:
    queries = NetworkMatcher(network()).interests(reads(9), 0)
    assert queries.shape == (TINY.interests, 16)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1.0, atol=1e-5)
