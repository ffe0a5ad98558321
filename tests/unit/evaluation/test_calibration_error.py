import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation.metrics import expected_calibration_error

CLICKED = np.array([True, False, False, False])


def test_base_rate_for_everyone_is_calibrated() -> None:
    assert expected_calibration_error(np.full(4, 0.25), CLICKED) == pytest.approx(0.0)


def test_constant_that_is_too_high_errs_by_the_excess() -> None:
    assert expected_calibration_error(np.full(4, 0.75), CLICKED) == pytest.approx(0.5)


def test_errors_of_different_bins_do_not_cancel() -> None:
    probabilities = np.array([0.0, 0.0, 1.0, 1.0])
    assert expected_calibration_error(probabilities, np.array([1, 1, 0, 0], dtype=bool), bins=2) == 1.0


def test_bins_hold_equal_mass_however_skewed_the_probabilities() -> None:
    probabilities = np.geomspace(1e-6, 1, 30)
    clicked = np.zeros(30, dtype=bool)
    assert expected_calibration_error(probabilities, clicked, bins=15) == pytest.approx(probabilities.mean())


@given(st.integers(0, 2**16))
@settings(deadline=None, max_examples=30)
def test_order_of_rows_does_not_matter_even_with_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, clicked = rng.integers(0, 5, 40) / 4, rng.random(40) < 0.3
    order = rng.permutation(40)
    shuffled = expected_calibration_error(probabilities[order], clicked[order])
    assert shuffled == pytest.approx(expected_calibration_error(probabilities, clicked))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_raw_scores_are_refused(wrong: float) -> None:
    with pytest.raises(DataError, match="probabilities"):
        expected_calibration_error(np.array([wrong]), np.array([True]))


def test_nothing_to_judge_is_unknown() -> None:
    assert math.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)))
