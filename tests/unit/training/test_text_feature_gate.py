from dataclasses import replace

import numpy as np
import pytest

from recsys.domain import HOUR
from recsys.evaluation.cold_start import NEW_READERS
from recsys.evaluation.replay import ReplayScores
from recsys.evaluation.systems import FEED_RANKER, FULL_SYSTEM, POINTWISE, TEXT_FREE
from recsys.training.text_feature_gate import TEXT_FREE_SYSTEMS, ContentGate

SLATES, SIZE = 60, 5


def answers(full: float, without: float) -> ReplayScores:
    """Scores that tell the click, each system in its share of the slates, and else nothing."""
    labels = np.zeros((SLATES, SIZE), dtype=np.int8)
    labels[:, 2] = 1
    shares = dict(pair for names in TEXT_FREE_SYSTEMS.items() for pair in zip(names, (full, without), strict=True))
    knows = {name: np.arange(SLATES)[:, None] < share * SLATES for name, share in shares.items()}
    each, cell = np.arange(SLATES), np.zeros(SLATES * SIZE, dtype=np.int64)
    return ReplayScores(
        scores={name: np.where(known, labels, 0).reshape(-1).astype(float) for name, known in knows.items()},
        labels=labels.reshape(-1),
        offsets=np.arange(SLATES + 1) * SIZE,
        rows=cell,
        available=cell,
        categories=cell,
        at=each,
        readers=each,
        history=each,
        mix=np.zeros((SLATES, 1)),
    )


@pytest.mark.parametrize(("full", "without", "on"), [(0.9, 0.4, True), (0.5, 0.5, True), (0.4, 0.9, False)])
def test_text_is_left_out_only_where_it_makes_the_ranking_worse(full: float, without: float, on: bool) -> None:
    judged = answers(full, without)
    gate = ContentGate.of(judged)
    assert gate.on is on
    assert gate.difference.mean == pytest.approx((full - without) / 2)
    served = gate.served(judged).scores
    assert set(served) == {FULL_SYSTEM, POINTWISE, FEED_RANKER, TEXT_FREE}
    for name, twin in TEXT_FREE_SYSTEMS.items():
        np.testing.assert_array_equal(served[name], judged.scores[name if on else twin])
    assert gate.as_dict()["on"] is on


def test_a_difference_inside_its_interval_changes_nothing() -> None:
    assert ContentGate.of(answers(0.50, 0.52)).on


def test_text_that_makes_cold_starts_worse_is_left_out_though_it_helps_elsewhere() -> None:
    """New readers are a sixth of the impressions: text ranks them worse, and all others better."""
    size, slates = 2, 1_200
    labels = np.tile([1, 0], slates).astype(np.int8)
    new = np.arange(slates) < slates // 6
    right = np.repeat(np.where(np.arange(slates) % 2 == 0, 1.0, -1.0), size) * np.where(labels, 1, -1)
    helps = np.where(np.repeat(new, size), -np.where(labels, 1.0, -1.0), np.where(labels, 1.0, -1.0))
    scores = dict.fromkeys(TEXT_FREE_SYSTEMS, helps) | dict.fromkeys(TEXT_FREE_SYSTEMS.values(), right)
    base = answers(1.0, 1.0)
    cell = np.zeros(slates * size, dtype=np.int64)
    judged = replace(
        base,
        scores=scores,
        labels=labels,
        offsets=np.arange(slates + 1) * size,
        rows=cell,
        categories=cell,
        available=cell,
        at=np.full(slates, 10 * HOUR),
        readers=np.arange(slates),
        history=np.where(new, 1, 30),
        mix=np.zeros((slates, 1)),
    )
    gate = ContentGate.of(judged)
    assert gate.difference.low > 0
    assert gate.cold[NEW_READERS].high < 0
    assert not gate.on
