from dataclasses import replace

import numpy as np
import pytest
import torch

from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.match_explanation import attention_gradients, explain, predicted_importance
from recsys.user_model.matcher import Matcher
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.preference_network import Interests, PreferenceNetwork
from tests.unit.user_model.cases import TINY, one_history, reads, units


def network() -> PreferenceNetwork:
    torch.manual_seed(3)
    return PreferenceNetwork(TINY).eval()


@pytest.mark.parametrize("matcher", [ContentMatcher(), NetworkMatcher(network().weights())])
def test_falls_are_what_scores_lose_when_a_read_is_left_out(matcher: Matcher) -> None:
    history, candidates = reads(4), units(3, 1)
    why, match = explain(matcher, history, candidates, 0), matcher.match(history, candidates, 0)
    np.testing.assert_array_equal(why.scores, match.scores)
    np.testing.assert_array_equal(why.attention, match.attention)
    for read in range(4):
        without = matcher.match(history.without(read), candidates, 0).scores
        np.testing.assert_allclose(why.falls[:, read], match.scores - without)


def test_the_read_that_a_candidate_is_near_to_carries_the_content_match() -> None:
    history = reads(5)
    why = explain(ContentMatcher(), history, history.vectors[2:3], 0)
    assert why.falls[0].argmax() == 2
    assert why.gradients is None
    assert why.importance is None


def test_gradients_are_those_of_the_score_by_attention() -> None:
    """Against torch, which knows how to differentiate."""
    model, history, candidates = network(), reads(4), units(2, 1)
    batch, few = one_history(history), torch.from_numpy(candidates).unsqueeze(0)
    with torch.no_grad():
        seen = model.read(batch)
        routes = model._routes(seen, batch.mask)
        alpha, log_shares = model.alpha(seen, batch, routes), model._log_shares(routes, batch.mask)
    alpha.requires_grad_()
    scores = model.scores(Interests(model.pooled(seen, alpha), log_shares), few)[0]
    steep = [torch.autograd.grad(score, alpha, retain_graph=True)[0][0] for score in scores]
    expected = (torch.stack(steep) * alpha[0]).sum(dim=1).detach().numpy()
    found = attention_gradients(NetworkMatcher(model.weights()), history, candidates)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_reads_older_than_the_network_looks_at_carry_nothing() -> None:
    why = explain(NetworkMatcher(network().weights()), reads(9), units(2, 1), 0)
    assert why.gradients is not None
    assert why.importance is not None
    assert not why.gradients[:, :3].any()
    assert not why.importance[:3].any()
    np.testing.assert_allclose(why.falls[:, :3], 0, atol=1e-6)
    assert (why.importance[3:] > 0).all()


def test_importance_does_not_use_the_dwell_of_the_read_itself() -> None:
    model, history = NetworkMatcher(network().weights()), reads(4)
    reported = predicted_importance(model, history)
    seconds, quantile = history.seconds.copy(), history.quantile.copy()
    seconds[2], quantile[2] = 500.0, 0.01
    changed = predicted_importance(model, replace(history, seconds=seconds, quantile=quantile))
    assert reported[2] == pytest.approx(changed[2], abs=1e-6)
    assert reported[1] != pytest.approx(changed[1], abs=1e-6)
