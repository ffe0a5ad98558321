import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from recsys.user_model.batch_scoring import histories, masked
from recsys.user_model.preference_data import PreferenceData, sample_pairs
from recsys.user_model.preference_network import PreferenceNetwork
from recsys.user_model.trainer import FitConfig, Trainer
from tests.unit.user_model.cases import TINY, no_evidence, toy

CONFIG = FitConfig(epochs=12, batch=64, learning_rate=5e-3, patience=12)


def trainer(config: FitConfig = CONFIG) -> tuple[Trainer, PreferenceData]:
    data, table = toy(300, seed=1)
    torch.manual_seed(0)
    return Trainer(PreferenceNetwork(TINY), data, table, config), data


def accuracy(of: Trainer, data: PreferenceData, slates: np.ndarray) -> float:
    """Share of slates whose clicked candidate has the best score; chance is 0.2."""
    clicked = data.labels.reshape(-1, 5).argmax(axis=1)[slates]
    return float(np.mean([s.argmax() == c for s, c in zip(of.scores(slates), clicked, strict=True)]))


def test_training_learns_what_untrained_match_cannot_see() -> None:
    model, data = trainer()
    train, held_out = np.arange(220), np.arange(220, 300)
    before = accuracy(model, data, held_out)
    seen: list[float] = []
    model.fit_with_early_stopping(
        train, lambda: accuracy(model, data, held_out), lambda _, quality: seen.append(quality)
    )
    after = accuracy(model, data, held_out)
    assert after == max(before, *seen)
    assert after > max(0.5, before + 0.1)


def test_the_same_seed_trains_the_same_network() -> None:
    weights = []
    for _ in range(2):
        model, data = trainer()
        loss = model.epoch(data.usable())
        weights.append((loss, model.network.state_dict()))
    assert weights[0][0] == weights[1][0]
    for name, tensor in weights[0][1].items():
        assert torch.equal(tensor, weights[1][1][name]), name


def test_training_stops_after_patience_and_keeps_the_best_weights() -> None:
    model, data = trainer(FitConfig(epochs=9, patience=2))
    qualities = iter([0.5, 0.6, 0.55, 0.54, 0.9])
    kept: list[torch.Tensor] = []
    model.fit_with_early_stopping(
        data.usable()[:64],
        lambda: next(qualities),
        lambda *_: kept.append(model.network.query.weight.detach().clone()),
    )
    assert len(kept) == 3
    assert torch.equal(model.network.query.weight, kept[0])


def test_a_trained_network_is_ready_to_serve() -> None:
    model, data = trainer()
    model.epoch(data.usable()[:32])
    assert not model.network.training


def test_scores_keep_the_order_of_requests_for_histories_of_any_length() -> None:
    data, table = toy(40, seed=3)
    data.reads[::3, 1] = -1
    model = Trainer(PreferenceNetwork(TINY), data, table, FitConfig(batch=8))
    model.network.eval()
    requested = np.random.default_rng(4).permutation(40)[:30]
    for slate, batched in zip(requested, model.scores(requested), strict=True):
        np.testing.assert_allclose(batched, model.scores(np.asarray([slate]))[0], rtol=0, atol=1e-5)
    assert model.scores(np.zeros(0, dtype=np.int64)) == []


def with_outcomes(data: PreferenceData) -> PreferenceData:
    """Reads of even article rows were important, the others were not; their dwell says so, too."""
    outcome = np.where(data.reads >= 0, data.reads % 2 == 0, -1).astype(np.int8)
    return replace(data, important=outcome, seconds=np.where(outcome == 1, 90.0, 2.0).astype(np.float32))


def predicted_odds(network: PreferenceNetwork, data: PreferenceData, table: np.ndarray) -> np.ndarray:
    """Importance of the first read of each slate, all dwell withheld."""
    history = histories(data, np.arange(len(data.at)), torch.from_numpy(table))
    hidden = history.without_dwell(torch.ones_like(history.mask))
    with torch.inference_mode():
        return np.asarray(network.importance(network.read(hidden))[:, 0])


def test_the_importance_head_learns_outcomes_without_seeing_the_dwell() -> None:
    data, table = toy(300, seed=1)
    table[::2, -1] += 1.0  # what makes an article worth reading can be seen in its vector
    data = with_outcomes(data)
    torch.manual_seed(0)
    model = Trainer(PreferenceNetwork(TINY), data, table, replace(CONFIG, masked=0.6))
    for _ in range(25):
        model.epoch(np.arange(200))
    odds, truth = predicted_odds(model.network, data, table)[200:], data.important[200:, 0]
    assert roc_auc_score(truth, odds) > 0.65


def test_without_known_outcomes_training_is_from_clicks_alone() -> None:
    """However much importance would weigh, and however much would be withheld."""
    data, table = toy(100, seed=1)
    weights = []
    for config in (CONFIG, replace(CONFIG, importance=9.0, masked=0.9)):
        torch.manual_seed(0)
        model = Trainer(PreferenceNetwork(TINY), data, table, config)
        before = copy.deepcopy(model.network.important.state_dict())
        model.epoch(data.usable())
        assert all(
            torch.equal(weight, before[name]) for name, weight in model.network.important.state_dict().items()
        )
        weights.append(model.network.query.weight.detach())
    assert torch.equal(*weights)


def test_importance_leaves_what_is_learned_from_clicks_as_it_is() -> None:
    data, table = toy(100, seed=1)
    weights = []
    for slates in (data, with_outcomes(data)):
        torch.manual_seed(0)
        model = Trainer(PreferenceNetwork(TINY), replace(slates, seconds=data.seconds), table, CONFIG)
        model.epoch(data.usable())
        weights.append(model.network.state_dict())
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]) != name.startswith("important"), name


def test_only_reads_of_known_outcome_are_withheld_about_as_many_as_configured() -> None:
    outcome = np.where(np.arange(4_000) % 4 == 0, -1, 1).astype(np.int8).reshape(40, 100)
    hidden = masked(outcome, 0.2, np.random.default_rng(1))
    assert not hidden[outcome < 0].any()
    assert hidden[outcome >= 0].mean() == pytest.approx(0.2, abs=0.03)


def test_no_slates_give_no_loss() -> None:
    model, _ = trainer()
    assert np.isnan(model.epoch(np.zeros(0, dtype=np.int64)))


def small(labels: list[int], sizes: list[int], first_read: list[int]) -> PreferenceData:
    rows = len(sizes)
    return PreferenceData(
        at=np.arange(rows),
        reader=np.arange(rows),
        reads=np.asarray(first_read, dtype=np.int32)[:, None],
        seconds=np.zeros((rows, 1), dtype=np.float32),
        age=np.zeros((rows, 1), dtype=np.float32),
        quantile=np.full((rows, 1), np.nan, dtype=np.float32),
        noise=np.zeros(rows, dtype=np.float32),
        important=np.full((rows, 1), -1, dtype=np.int8),
        candidates=np.arange(len(labels), dtype=np.int32),
        evidence=no_evidence(len(labels)),
        labels=np.asarray(labels, dtype=np.int8),
        offsets=np.concatenate([[0], np.cumsum(sizes)]),
    )


def test_usable_slates_have_a_history_a_click_and_something_passed_over() -> None:
    data = small([1, 0, 0, 0, 2, 3, 0, 1], [2, 2, 2, 2], [5, 5, 5, -1])
    assert data.usable().tolist() == [0]
    assert small([0, 2, 1, 0], [2, 2], [1, 1]).between(1, 9).tolist() == [1]
    assert small([], [], []).usable().tolist() == []


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), negatives=st.integers(1, 5))
def test_negatives_are_only_what_the_same_slate_showed_and_was_passed_over(seed: int, negatives: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, size=(6, 5))
    labels[:, :2] = [1, 0]
    data = small(labels.reshape(-1).tolist(), [5] * 6, [1] * 6)
    which, rows = sample_pairs(data, data.usable(), negatives, rng)
    assert rows.shape == (labels.sum(), 1 + negatives)
    for slate, (positive, *passed) in zip(which, rows, strict=True):
        assert {positive // 5, *(row // 5 for row in passed)} == {slate}
        assert data.labels[positive] == 1
        assert not data.labels[passed].any()
