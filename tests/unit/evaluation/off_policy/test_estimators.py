"""Estimators against Open Bandit Pipeline, by hand, and on worlds with a known truth."""

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation.off_policy.clip_choice import choose_clip, estimated
from recsys.evaluation.off_policy.estimators import ESTIMATORS, doubly_robust, ips, snips, switch_doubly_robust
from recsys.evaluation.off_policy.logged_rewards import LoggedRewards
from recsys.evaluation.off_policy.reader_intervals import reader_interval
from recsys.evaluation.off_policy.weight_diagnostics import WeightDiagnostics

ROWS = Path(__file__).parent / "open_bandit_rows.csv"
"""282 rows of the sample of the Open Bandit Dataset (Bernoulli Thompson sampling, campaign All) in the package obp
0.4.1: the first 240, and all with a click. The dataset is by ZOZO Technologies, Inc. (Saito et al. 2020), under
CC BY 4.0; columns of readers are left out."""

OPEN_BANDIT_PIPELINE = {
    "ips": 0.06943740259020029,
    "snips": 0.09033987281720733,
    "direct": 0.029968152866242045,
    "dr": 0.0759491753583288,
    "switch_dr": 0.04152391551541629,
    "cascade_ips": 0.08274095292766642,
}
"""Estimates of obp 0.4.1 on these rows: classes InverseProbabilityWeighting, DirectMethod, DoublyRobust,
SelfNormalizedInverseProbabilityWeighting and SwitchDoublyRobust (tau 0.5), and with each three rows as one slate
SlateRewardInteractionIPS. The target chooses item i with a chance in proportion to
1 + i mod 7; the model of rewards predicts 0.01 (1 + i mod 5)."""


def open_bandit() -> tuple[LoggedRewards, pl.DataFrame]:
    rows = pl.read_csv(ROWS)
    item, items = rows["item_id"].to_numpy(), np.arange(80)
    target = (1.0 + items % 7) / (1.0 + items % 7).sum()
    predicted = 0.01 * (1 + items % 5)
    logged = LoggedRewards(
        reward=rows["click"].to_numpy().astype(np.float64)[:, None],
        ratio=(target[item] / rows["propensity_score"].to_numpy())[:, None],
        predicted=predicted[item][:, None],
        expected=np.full((len(rows), 1), float(target @ predicted)),
        reader=np.arange(len(rows)),
    )
    return logged, rows


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_estimates_equal_open_bandit_pipeline(name: str) -> None:
    logged, _ = open_bandit()
    clip = 0.5 if name == "switch_dr" else inf
    assert ESTIMATORS[name](logged, clip).value == pytest.approx(OPEN_BANDIT_PIPELINE[name], abs=1e-9)


def test_estimates_of_slates_equal_open_bandit_pipeline() -> None:
    logged, _ = open_bandit()
    count = len(logged) // 3
    reward, ratio = (each[: 3 * count].reshape(-1, 3) for each in (logged.reward, logged.ratio))
    zero = np.zeros_like(reward)
    slates = LoggedRewards(reward=reward, ratio=ratio, predicted=zero, expected=zero, reader=np.arange(count))
    assert ips(slates).value == pytest.approx(OPEN_BANDIT_PIPELINE["cascade_ips"], abs=1e-9)


def world(seed: int, readers: int = 60, far: float = 0.5, error: float = 0.5) -> tuple[LoggedRewards, float]:
    """Five actions; readers click at their own rate. The truth is the target's mean click rate."""
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.05, 0.4, 5)
    logging = np.full(5, 0.2)
    target = np.exp(far * np.arange(5)) / np.exp(far * np.arange(5)).sum()
    reader = np.repeat(np.arange(readers), 10)
    action = rng.integers(5, size=len(reader))
    own = rng.uniform(0.5, 1.5, readers)[reader]
    reward = (rng.random(len(reader)) < rate[action] * own).astype(np.float64)
    model = rate * (1 + error * rng.normal(size=5))
    logged = LoggedRewards(
        reward=reward[:, None],
        ratio=(target / logging)[action][:, None],
        predicted=model[action][:, None],
        expected=np.full((len(reader), 1), float(target @ model)),
        reader=reader,
    )
    return logged, float(target @ rate)


def test_intervals_cover_the_truth() -> None:
    covered = dict.fromkeys(("ips", "snips", "dr"), 0)
    for seed in range(200):
        logged, truth = world(seed)
        for name in covered:
            interval = reader_interval(ESTIMATORS[name](logged, inf).parts, logged.reader)
            covered[name] += interval.low <= truth <= interval.high
    assert all(180 <= count <= 199 for count in covered.values()), covered


def test_weights_of_one_give_the_logged_mean() -> None:
    logged, _ = world(0, far=0.0)
    for estimator in (ips, snips, doubly_robust):
        assert estimator(logged, 1.0).parts == pytest.approx(estimator(logged, inf).parts), "no clip limits them"
    assert ips(logged).value == pytest.approx(logged.reward.mean())
    assert snips(logged).value == pytest.approx(logged.reward.mean())
    assert WeightDiagnostics.of(logged).ess == pytest.approx(len(logged))


@given(st.integers(0, 50), st.floats(0.0, 1.5), st.floats(-2.0, 2.0))
def test_a_model_without_error_needs_no_weights_and_shifts_do_not_matter(
    seed: int, far: float, shift: float
) -> None:
    logged, _ = world(seed, readers=5, far=far)
    moved = replace(
        logged,
        reward=logged.reward + shift,
        predicted=logged.predicted + shift,
        expected=logged.expected + shift,
    )
    assert doubly_robust(moved).value == pytest.approx(doubly_robust(logged).value + shift)
    assert snips(moved).value == pytest.approx(snips(logged).value + shift)


def test_the_switch_trusts_the_model_above_the_clip() -> None:
    logged, _ = world(3, far=1.0)
    trusted = switch_doubly_robust(logged, 0.0)
    assert trusted.value == pytest.approx(logged.expected.mean())
    assert switch_doubly_robust(logged, inf).value == pytest.approx(doubly_robust(logged).value)


def test_the_clip_cuts_weights_that_cost_more_variance_than_bias() -> None:
    logged, _ = world(1)
    weight = logged.ratio[:, 0].copy()
    weight[7], reward = 5_000.0, logged.reward[:, 0].copy()
    reward[7] = 1.0
    spiky = LoggedRewards.of_actions(reward, 1 / weight, np.ones(len(weight)), logged.reader)
    chosen = choose_clip(ips, spiky)
    assert max(chosen.clips) < 5_000, "also of the half that is chosen on readers without such a weight"
    assert chosen.squared_bias > 0
    # the interval still has what was cut off
    assert reader_interval(chosen.estimate.parts, spiky.reader, chosen.squared_bias).high > ips(spiky).value / 2


def test_each_half_of_the_readers_gets_the_clip_that_is_best_on_the_other() -> None:
    logged, _ = world(4, far=1.2)
    chosen = choose_clip(doubly_robust, logged)
    moved = replace(logged, reward=np.where(logged.reader[:, None] % 2 == 0, 1 - logged.reward, logged.reward))
    assert choose_clip(doubly_robust, moved).clips[0] == chosen.clips[0]
    swapped = replace(logged, reader=logged.reader + 1)
    assert choose_clip(doubly_robust, swapped).clips == chosen.clips[::-1]


def slates(seed: int, readers: int = 200) -> tuple[LoggedRewards, float]:
    """Two positions of four articles; a click ends the visit. The model does not know that."""
    rng = np.random.default_rng(seed)
    rate, target = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.1, 0.2, 0.3, 0.4])
    reader = np.repeat(np.arange(readers), 3)
    article = rng.integers(4, size=(len(reader), 2))
    clicked = rng.random(article.shape) < rate[article]
    clicked[:, 1] &= ~clicked[:, 0]
    mean = float(target @ rate)
    logged = LoggedRewards(
        reward=clicked.astype(np.float64),
        ratio=target[article] / 0.25,
        predicted=rate[article] + np.array([mean, 0.0]),
        expected=np.full(article.shape, mean) + np.array([mean, 0.0]),
        reader=reader,
    )
    return logged, mean * (2 - mean)


def test_whole_slates_are_estimated_without_bias_if_articles_above_matter() -> None:
    found = {name: [] for name in ("ips", "snips", "dr", "switch_dr")}  # type: dict[str, list[float]]
    for seed in range(200):
        logged, truth = slates(seed)
        for name, values in found.items():
            values.append(ESTIMATORS[name](logged, inf).value - truth)
    for name, values in found.items():
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values)), name
    assert np.std(found["dr"]) < np.std(found["ips"])


def test_the_switch_trusts_the_model_below_the_first_large_weight() -> None:
    logged = LoggedRewards(
        reward=np.ones((1, 3)),
        ratio=np.array([[1.0, 9.0, 0.01]]),
        predicted=np.array([[3.0, 2.0, 0.5]]),
        expected=np.array([[2.5, 1.5, 0.7]]),
        reader=np.zeros(1, dtype=np.int64),
    )
    assert switch_doubly_robust(logged, 5.0).value == pytest.approx(2.5 + (1 - 3) + 1.5)


def test_a_weight_is_limited_before_those_below_are_multiplied() -> None:
    logged = LoggedRewards(
        reward=np.array([[0.0, 1.0]]),
        ratio=np.array([[9.0, 0.5]]),
        predicted=np.array([[0.3, 0.2]]),
        expected=np.array([[0.4, 0.1]]),
        reader=np.zeros(1, dtype=np.int64),
    )
    assert ips(logged, 5.0).value == pytest.approx(5 * 0.5)
    first = 9 / (1 + (8 / 5) ** 2)
    second = first / 2 / (1 + ((first / 2 - 1) / 5) ** 2)
    assert doubly_robust(logged, 5.0).value == pytest.approx(0.4 - 0.3 * first + 0.1 * first + 0.8 * second)


def test_a_slate_with_fewer_positions_ends_with_nothing() -> None:
    logged, _ = slates(0)
    longer = replace(
        logged,
        **{  # type: ignore[arg-type]
            name: np.hstack([getattr(logged, name), np.full((len(logged), 1), value)])
            for name, value in (("reward", 0.0), ("ratio", 1.0), ("predicted", 0.0), ("expected", 0.0))
        },
    )
    for name, estimator in ESTIMATORS.items():
        for clip in (inf, 1.5):
            assert estimator(longer, clip).value == pytest.approx(estimator(logged, clip).value), name


def test_the_model_alone_has_its_measured_bias_in_its_interval() -> None:
    covered = 0
    for seed in range(100):
        logged, truth = world(seed, error=1.0)
        interval, _ = estimated("direct", logged)
        covered += interval.low <= truth <= interval.high
    assert covered >= 90


def test_estimates_are_refused_without_support() -> None:
    rng = np.random.default_rng(2)
    reward, reader = rng.random(400), np.arange(400) // 4
    few = LoggedRewards.of_actions(reward, np.full(400, 0.01), (np.arange(400) % 100 == 0) * 1.0, reader)
    diagnostics = WeightDiagnostics.of(few)
    assert diagnostics.ess == pytest.approx(4)
    assert "below the floor of 100" in str(diagnostics.refusal())
    rare = np.where(np.arange(400) % 40 == 0, 15.0, 0.6)
    lone = WeightDiagnostics.of(LoggedRewards.of_actions(reward, 1 / rare, np.ones(400), reader))
    assert lone.ess > 60
    squares = rare**2
    assert lone.deciding == pytest.approx(squares.sum() ** 2 / (squares**2).sum())
    assert "11.3 of 400 impressions decide the variance" in str(lone.refusal(least_ess=50))
    half = LoggedRewards.of_actions(reward, np.ones(400), np.full(400, 0.5), reader)
    assert "50% of the bundle's slates had no chance" in str(WeightDiagnostics.of(half).refusal())
    whole = LoggedRewards.of_actions(reward, np.full(400, 0.5), np.full(400, 0.5), reader)
    assert WeightDiagnostics.of(whole).refusal() is None
    nothing = LoggedRewards.of_actions(np.zeros(0), np.zeros(0), np.zeros(0))
    assert "no position" in str(WeightDiagnostics.of(nothing).refusal())


def test_impossible_input_is_refused() -> None:
    ones = np.ones(3)
    with pytest.raises(DataError, match="not above 0"):
        LoggedRewards.of_actions(ones, np.array([0.5, 0.0, 1.0]), ones)
    with pytest.raises(DataError, match="not finite"):
        LoggedRewards.of_actions(np.array([1.0, np.nan, 0.0]), ones, ones)
    with pytest.raises(DataError, match="give one each"):
        LoggedRewards.of_actions(np.ones(2), ones, ones)


def test_one_reader_has_no_interval() -> None:
    logged = LoggedRewards.of_actions(np.arange(5.0), np.ones(5), np.ones(5), np.zeros(5, dtype=np.int64))
    assert np.isnan(reader_interval(ips(logged).parts, logged.reader).low)
