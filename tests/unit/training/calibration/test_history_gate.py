"""The gate of history calibration, and what noisy clicks cost, on made-up readers of one topic each."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from recsys.experiments.noisy_clicks import ARMS, MEAN, SHARES, noisy_clicks
from recsys.training.calibration import article_gate, history_gate
from recsys.training.calibration.click_noise import Articles
from recsys.training.calibration.history_gate import PARTS, gate_histories
from recsys.training.training_run import silent
from recsys.user_model.dwell_quantiles import click_noise, quantiles
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.numpy_inference import NumpyNetwork
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import PreferenceNetwork
from tests.unit.user_model.cases import no_evidence, units

TOPICS, EACH, LENGTH = 6, 40, 12
CONFIG = PreferenceConfig(dim=16, projected=16, heads=2, interests=2, history=LENGTH)


def articles() -> Articles:
    """Six topics of forty articles, each a minute long."""
    topic = np.repeat(np.eye(TOPICS, 16), EACH, axis=0)
    vectors = 0.7 * topic + units(TOPICS * EACH, 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Articles(vectors.astype(np.float32), np.full(len(vectors), 60.0))


def slates(count: int, timed: bool = True) -> PreferenceData:
    """Readers who read six articles of their topic and leave two others at once, and click one of their topic."""
    rng = np.random.default_rng(5)
    affinity = rng.integers(TOPICS, size=count)
    shape = (count, LENGTH)
    there = np.arange(LENGTH) < 8
    bounced = (rng.random((count, 8)).argsort(axis=1) < 2) @ np.eye(8, LENGTH, dtype=np.bool_)
    topic = (affinity[:, None] + bounced * rng.integers(1, TOPICS, size=shape)) % TOPICS
    other = (affinity[:, None] + rng.integers(1, TOPICS, size=(count, 5))) % TOPICS
    shown = np.concatenate([affinity[:, None], other], axis=1) * EACH + rng.integers(EACH, size=(count, 6))
    seconds = np.where(bounced, 3.0, rng.uniform(30, 120, size=shape))
    reported = np.where(there & timed, seconds, np.nan)
    return PreferenceData(
        at=np.arange(count),
        reader=np.arange(count) // 2,
        reads=np.where(there, topic * EACH + rng.integers(EACH, size=shape), -1).astype(np.int32),
        seconds=np.where(there, reported, 0.0).astype(np.float32),
        age=np.where(there, np.ones(shape), 0.0).astype(np.float32),
        quantile=quantiles(reported, np.full(shape, 60.0)).astype(np.float32),
        noise=click_noise(reported).astype(np.float32),
        important=np.where(there & timed, ~bounced, -1).astype(np.int8),
        candidates=shown.reshape(-1).astype(np.int32),
        evidence=no_evidence(shown.size),
        labels=np.tile([1, 0, 0, 0, 0, 0], count).astype(np.int8),
        offsets=np.arange(count + 1) * 6,
    )


def network() -> PreferenceNetwork:
    torch.manual_seed(3)
    return PreferenceNetwork(CONFIG).eval()


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any time is short enough: of a network this small a match takes so little that chance would decide."""
    monkeypatch.setattr(article_gate, "MOST_GROWTH", np.inf)
    monkeypatch.setattr(history_gate, "REPEATS", 1)


@pytest.mark.usefixtures("untimed")
def test_a_part_that_helps_with_noise_and_does_no_harm_is_switched_on() -> None:
    data = slates(300)
    config, found = gate_histories(network(), data, data.usable(), articles(), seed=7)
    part = found["parts"]["dwell_weight"]
    assert part["on"]
    assert config.dwell_weight == part["value"] > 0
    passed = [tried for tried in part["tried"] if tried["passed"]]
    assert passed[-1]["value"] == part["value"]
    assert all(tried["clean"]["low"] >= -0.002 and tried["robust"]["low"] > 0 for tried in passed)
    assert json.loads(json.dumps(found)) == found


def test_without_known_dwell_the_parts_that_need_it_stay_off() -> None:
    data = slates(200, timed=False)
    config, found = gate_histories(network(), data, data.usable(), articles(), seed=7)
    assert config.dwell_weight == 0
    assert config.keep == 1
    assert "clicks alone" in found["importance"]["trained_on"]
    assert found["importance"]["auroc"] is None


def test_a_part_that_costs_time_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    data = slates(300)
    monkeypatch.setattr(article_gate, "MOST_GROWTH", 0.0)
    config, found = gate_histories(network(), data, data.usable(), articles(), seed=7)
    assert config == CONFIG
    assert not any(part["on"] for part in found["parts"].values())


def test_time_is_taken_of_histories_that_no_matcher_has_met(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = NumpyNetwork.alpha

    def slowly(self: NumpyNetwork, *given: Any) -> Any:
        for _ in range(10 if self.config.dwell_weight else 1):
            alpha = quick(self, *given)
        return alpha

    monkeypatch.setattr(NumpyNetwork, "alpha", slowly)
    data = slates(300)
    _, found = gate_histories(network(), data, data.usable(), articles(), seed=7)
    (tried,) = found["parts"]["dwell_weight"]["tried"]
    assert tried["latency"] > article_gate.MOST_GROWTH
    assert not tried["passed"]


@pytest.mark.usefixtures("untimed")
def test_a_part_that_hurts_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    data = slates(300)
    monkeypatch.setattr(article_gate, "LEAST_CLEAN", 0.5)
    config, found = gate_histories(network(), data, data.usable(), articles(), seed=7)
    assert config == CONFIG
    assert [len(part["tried"]) for part in found["parts"].values()] == [1, 2, 1], "the first that fails ends it"


def test_without_validation_slates_everything_stays_off() -> None:
    data = slates(10)
    config, found = gate_histories(network(), data, np.zeros(0, dtype=np.int64), articles(), seed=7)
    assert config == CONFIG
    assert found["parts"] == {}


@pytest.mark.usefixtures("untimed")
def test_the_gate_leaves_the_network_as_it_was_and_decides_the_same_again() -> None:
    data, model = slates(200), network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    one, two = (gate_histories(model, data, data.usable(), articles(), seed=7)[0] for _ in range(2))
    assert one == two
    assert model.config == CONFIG
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_every_part_is_a_field_that_is_off_by_default() -> None:
    assert set(PARTS) == {"dwell_weight", "temperature", "keep"}
    assert replace(CONFIG, dwell_weight=1.0, temperature=2.0, keep=0.5).uncalibrated() == CONFIG


def test_noisy_clicks_cost_and_calibration_wins_back_more_than_its_controls() -> None:
    data = slates(300)
    off = network()
    on = off.calibrated(replace(CONFIG, dwell_weight=8.0))
    found = noisy_clicks(data, articles(), (off, on), 2, silent)
    assert json.loads(json.dumps(found)) == found
    assert set(found["models"]) == {"content", "network"}
    for model, shares in found["models"].items():
        assert list(shares) == [f"{share:.0%}" for share in SHARES]
        half = shares["60%"]
        assert set(half["auc"]) == {*ARMS, MEAN} if model == "content" else set(ARMS)
        assert half["lost"] > 0.01
        assert min(half["recovered"][arm] for arm in ("calibrated", "oracle")) > 0.33
        assert half["recovered"]["calibrated"] > half["recovered"]["random"] + 0.2
    assert found["models"]["content"]["0%"]["lost"] == 0


def test_without_a_bundle_there_are_no_rows_of_a_network() -> None:
    found = noisy_clicks(slates(40), articles(), None, 1, silent)
    assert set(found["models"]) == {"content"}
    assert found["models"]["content"]["30%"]["gain"]["oracle"][1] is None, "one draw has no standard error"
