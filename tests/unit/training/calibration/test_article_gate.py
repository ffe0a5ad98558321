"""The gate of article calibration, on made-up slates whose AUCs are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from recsys.calibration.calibrator import Strength
from recsys.evaluation.bootstrap import Interval
from recsys.training.calibration.ablation_arms import ALL, GAMMA, HEADS, KAPPA, OFF, TOKENS
from recsys.training.calibration.article_gate import DAMAGED, DRAWS, GATED, gate_articles, passes
from recsys.training.calibration.damaged_text import INJECTING, NoiseKind
from recsys.training.calibration.text_corruption import Injector
from recsys.training.training_run import silent

ARTICLES, SLATES = 400, 600


class KnownTrial:
    """Vectors tell their arm, and whether they are of a damaged text; AUCs follow from that alone.

    clean: change of AUC by arm on undamaged articles; won: gain by arm with damaged ones; spread: of the gains;
    cost: AUC that the damage costs.
    """

    def __init__(
        self, clean: Mapping[str, float], won: Mapping[str, float], spread: float = 0.0, cost: float = 0.01
    ) -> None:
        self._cost = cost
        self.articles = pl.DataFrame({"title": ["a title"] * ARTICLES})
        self.readers = np.arange(SLATES)
        self.damaged: list[int] = []
        self.tried: set[str] = set()
        self.kinds: set[NoiseKind | None] = set()
        self._clean, self._won = clean, won
        self._noise = np.random.default_rng(1).normal(scale=spread, size=SLATES)

    def injector(self) -> Injector:
        return Injector(["word"], ["another title of words"])

    def encoded(
        self,
        rows: NDArray[np.int64],
        kinds: Sequence[NoiseKind | None],
        injector: Injector,
        seed: int,
        arms: Sequence[str],
    ) -> dict[str, NDArray[np.float32]]:
        corrupted = kinds[0] is not None
        self.kinds |= set(kinds)
        if corrupted:
            self.damaged.append(len(rows))
            self.tried |= set(arms)
        return {arm: np.full((len(rows), 2), [GATED.index(arm), corrupted], dtype=np.float32) for arm in arms}

    def aucs(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        arm = GATED[int(vectors[0, 0])]
        corrupted = bool(vectors[:, 1].any())
        change = (self._won if corrupted else self._clean).get(arm, 0.0)
        return 0.6 - self._cost * corrupted + change + self._noise * (corrupted and arm != OFF)


def gated(trial: KnownTrial) -> tuple[Strength, dict[str, Any]]:
    everything = np.arange(ARTICLES)
    undamaged = trial.encoded(everything, [None] * ARTICLES, trial.injector(), 7, GATED)
    return gate_articles(trial, undamaged, 7, silent)  # type: ignore[arg-type]


def test_the_part_that_wins_most_back_and_hurts_nothing_is_on() -> None:
    trial = KnownTrial({}, {TOKENS: 0.004, HEADS: -0.001, ALL: 0.003})
    strength, found = gated(trial)
    assert strength == Strength(gamma=GAMMA)
    assert found["on"] == TOKENS
    assert found["lost"] == pytest.approx(0.01)
    assert [found["parts"][arm]["passed"] for arm in (TOKENS, HEADS, ALL)] == [True, False, True]
    assert found["parts"][TOKENS]["robust"]["mean"] == pytest.approx(0.004)


def test_both_parts_are_on_where_together_they_win_most() -> None:
    strength, found = gated(KnownTrial({}, {TOKENS: 0.004, HEADS: 0.001, ALL: 0.005}))
    assert strength == Strength(gamma=GAMMA, kappa=KAPPA)
    assert found["on"] == ALL


def test_a_part_that_hurts_undamaged_articles_stays_off_however_much_it_wins() -> None:
    trial = KnownTrial({TOKENS: -0.003, ALL: -0.003}, {TOKENS: 0.01, ALL: 0.01})
    strength, found = gated(trial)
    assert strength.identity
    assert found["on"] is None
    assert found["parts"][TOKENS]["robust"] is None
    assert found["parts"][HEADS]["robust"] is not None
    assert trial.tried == {OFF, HEADS}


def test_nothing_is_damaged_where_every_part_hurts_undamaged_articles() -> None:
    trial = KnownTrial(dict.fromkeys((TOKENS, HEADS, ALL), -0.003), {})
    _, found = gated(trial)
    assert trial.damaged == []
    assert (found["on"], found["lost"], found["draws"]) == (None, None, 0)


def test_a_gain_within_the_noise_is_none() -> None:
    strength, found = gated(KnownTrial({}, {TOKENS: 0.001}, spread=0.1))
    assert strength.identity
    assert found["parts"][TOKENS]["robust"]["low"] < 0


def test_no_part_is_tried_where_the_damage_costs_nothing() -> None:
    trial = KnownTrial({}, {TOKENS: 0.01}, cost=0.0)
    strength, found = gated(trial)
    assert strength.identity
    assert trial.tried == {OFF}
    assert (found["lost"], found["draws"]) == (pytest.approx(0.0), DRAWS)
    assert [part["robust"] for part in found["parts"].values()] == [None] * 3


def test_about_three_articles_in_ten_are_damaged_in_all_ways() -> None:
    trial = KnownTrial({}, {})
    gated(trial)
    once, again = np.split(np.asarray(trial.damaged), 2)
    assert len(once) == DRAWS
    assert once.tolist() == again.tolist(), "the parts are tried on the damage whose cost is known"
    assert np.mean(trial.damaged) == pytest.approx(DAMAGED * ARTICLES, rel=0.15)
    assert trial.kinds == {None, *INJECTING}


def interval(low: float) -> Interval:
    return Interval(low + 0.01, low, low + 0.02)


@pytest.mark.parametrize(
    ("clean", "robust", "growth", "passed"),
    [
        (-0.002, 0.001, 1.1, True),
        (-0.0021, 0.001, 1.0, False),  # may hurt where nothing is wrong
        (0.01, 0.0, 1.0, False),  # may not help where something is
        (0.01, 0.001, 1.11, False),  # too slow
        (float("nan"), 0.001, 1.0, False),  # nothing could be judged
        (0.01, float("nan"), 1.0, False),
    ],
)
def test_a_part_is_on_only_if_it_helps_and_never_hurts(
    clean: float, robust: float, growth: float, passed: bool
) -> None:
    assert passes(interval(clean), interval(robust), growth) == passed
