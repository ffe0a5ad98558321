from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.matcher import Matcher, ReadHistory, mask_one_read
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.preference_network import PreferenceNetwork

DIM = 8


def network(**calibration: float) -> NetworkMatcher:
    torch.manual_seed(1)
    sizes = PreferenceConfig(dim=DIM, projected=8, heads=2, interests=2, history=6)
    return NetworkMatcher(PreferenceNetwork(sizes).weights().calibrated(replace(sizes, **calibration)))  # type: ignore[arg-type]


def reads(count: int, seed: int) -> ReadHistory:
    rng = np.random.default_rng(seed)
    seconds = np.where(rng.random(count) < 0.3, np.nan, rng.uniform(1, 200, count))
    return ReadHistory.of(units(count, seed), seconds, rng.uniform(0, 99, count), np.full(count, 60.0))


def units(count: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng([seed, 1]).normal(size=(count, DIM)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


MATCHERS = [ContentMatcher(), network(), network(temperature=0.5, dwell_weight=2.0), network(keep=0.5)]


@pytest.mark.parametrize("matcher", MATCHERS)
@given(count=st.integers(0, 9), requested=st.integers(0, 4), seed=st.integers(0, 30), shown=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_leaving_out_many_at_once_is_leaving_them_out_one_by_one(
    matcher: Matcher, count: int, requested: int, seed: int, shown: int
) -> None:
    history, candidates = reads(count, seed), units(shown, seed)
    items = np.arange(min(requested, count), dtype=np.intp)
    together = matcher.leave_one_out_scores(history, items, candidates, 0)
    assert together.shape == (len(items), shown)
    np.testing.assert_allclose(together, mask_one_read(matcher, history, items, candidates, 0), atol=1e-5)
