"""Scores become probabilities that are calibrated on what they were fitted on."""

import numpy as np
import pytest

from recsys.evaluation.metrics import expected_calibration_error
from recsys.evaluation.platt import Platt
from recsys.evaluation.systems import UNKNOWN_SCORE
from recsys.training.platt_fit import fit_platt


def made(count: int = 20_000, scale: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=count) * scale + shift
    chance = 1 / (1 + np.exp(-(1.5 * (scores - shift) / scale - 1)))
    return scores, rng.random(count) < chance


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-4, 0.0), (1e4, 5e5)])
def test_the_fit_is_calibrated_whatever_the_scale_of_the_scores(scale: float, shift: float) -> None:
    scores, clicked = made(scale=scale, shift=shift)
    platt = fit_platt(scores, clicked)
    assert expected_calibration_error(platt(scores), clicked) < 0.02
    assert platt.slope * scale == pytest.approx(1.5, abs=0.1)
    assert platt(scores).mean() == pytest.approx(clicked.mean(), abs=0.005)


def test_unknown_scores_get_the_base_rate() -> None:
    scores, clicked = made(1_000)
    scores[::2] = UNKNOWN_SCORE
    platt = fit_platt(scores, clicked)
    assert (platt(scores)[::2] == clicked.mean()).all()
    assert abs(platt.slope - 1.5) < 0.5


@pytest.mark.parametrize("clicked", [np.zeros(5, dtype=bool), np.ones(5, dtype=bool)])
def test_one_outcome_alone_gives_its_rate(clicked: np.ndarray) -> None:
    chances = fit_platt(np.arange(5.0), clicked)(np.asarray([-9.0, 0.0, 99.0]))
    np.testing.assert_allclose(chances, clicked.mean(), atol=1e-5)


def test_equal_scores_give_the_base_rate() -> None:
    clicked = np.asarray([True, False, False, False])
    np.testing.assert_allclose(fit_platt(np.full(4, 2.0), clicked)(np.asarray([2.0, 7.0])), 0.25)


def test_nothing_to_fit_on_is_no_error() -> None:
    assert fit_platt(np.zeros(0), np.zeros(0, dtype=bool))(np.asarray([1.0]))[0] == pytest.approx(0, abs=1e-5)


def test_extreme_scores_stay_probabilities() -> None:
    chances = Platt(5.0, 0.0, 0.1)(np.asarray([-1e9, 1e9, np.inf]))
    assert ((chances >= 0) & (chances <= 1)).all()
