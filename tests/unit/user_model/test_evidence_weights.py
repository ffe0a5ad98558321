"""Weights of the network's own match and of other matches, fitted on slates that it was not trained on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recsys.user_model.evidence_weights import fitted_evidence
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork
from recsys.user_model.trainer import FitConfig, Trainer
from tests.unit.user_model.cases import TINY, reads, toy, units


def with_taste(data: PreferenceData, reports: float) -> PreferenceData:
    """Return the slates with a taste that predicts the click, beside noise in the other matches."""
    noise = np.random.default_rng(3).normal(size=data.evidence.shape)
    noise[:, 0] = reports * (data.labels > 0) + noise[:, 0]
    return replace(data, evidence=noise.astype(np.float32))


def test_the_evidence_that_predicts_clicks_gets_the_weight() -> None:
    data, _ = toy(400, seed=1)
    data = with_taste(data, 2.0)
    own = [np.random.default_rng(slate).normal(size=5) for slate in data.usable()]
    weights = fitted_evidence(data, data.usable(), own, seed=1)
    assert weights is not None
    assert weights[1] == pytest.approx(2.0, abs=0.5), "the log odds of a click by a taste of unit variance"
    assert np.abs(weights[[0, 2, 3]]).max() < 0.3


def test_a_match_that_predicts_more_keeps_more() -> None:
    data, _ = toy(400, seed=1)
    own = [3.0 * (data.labels[data.offsets[s] : data.offsets[s + 1]] > 0) for s in data.usable()]
    noisy = [row + np.random.default_rng(i).normal(size=5) for i, row in enumerate(own)]
    weights = fitted_evidence(with_taste(data, 0.5), data.usable(), noisy, seed=1)
    assert weights is not None
    assert weights[0] > 2 * weights[1] > 0


def test_few_clicks_leave_the_own_match_alone() -> None:
    data, table = toy(20, seed=1)
    trainer = Trainer(PreferenceNetwork(TINY), data, table, FitConfig())
    trainer.fit_evidence(data.usable())
    assert trainer.network.evidence.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_served_score_is_the_weighted_sum_of_the_trained_one() -> None:
    data, table = toy(300, seed=1)
    trainer = Trainer(PreferenceNetwork(TINY).eval(), with_taste(data, 2.0), table, FitConfig())
    trainer.fit_evidence(data.usable())
    matcher, evidence = NetworkMatcher(trainer.network.weights()), np.float32([[1, 2, 3], [0, 0, 0]])
    own = matcher.match(reads(3), units(2, 1), 0).scores
    weights = trainer.network.evidence.double().numpy()
    expected = weights[0] * own + evidence @ weights[1:]
    np.testing.assert_allclose(matcher.with_evidence(own, evidence, 0), expected, atol=1e-6)
    assert torch.equal(PreferenceNetwork.of(trainer.network.weights()).evidence, trainer.network.evidence)
