import pytest

from recsys.evaluation.bootstrap import Interval
from recsys.training.calibration.gate_criterion import passes


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
