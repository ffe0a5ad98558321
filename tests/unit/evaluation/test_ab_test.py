"""Models on trial, compared by what came of their slates."""

import numpy as np
import polars as pl
import pytest

from recsys.evaluation.ab_test import arms, shadows
from recsys.store.experiments import OUTCOMES, SHADOWS


def outcomes(*rows: tuple[str, str, int, float]) -> pl.DataFrame:
    """Outcomes of slates in which nothing was hidden."""
    return pl.DataFrame([(*row, 0) for row in rows], schema=OUTCOMES, orient="row")


def test_each_model_has_its_own_slates_and_readers() -> None:
    reported = arms(outcomes(("b", "r1", 2, 30.0), ("b", "r1", 0, 0.0), ("b", "r2", 1, 60.0), ("a", "r3", 0, 0.0)))
    assert [(arm.model, arm.slates, arm.readers) for arm in reported] == [("a", 1, 1), ("b", 3, 2)]
    assert reported[1].opened.mean == pytest.approx(2 / 3)
    assert reported[1].clicks.mean == pytest.approx(1.0)
    assert reported[1].seconds.mean == pytest.approx(30.0)


def test_intervals_hold_the_mean_and_shrink_with_readers() -> None:
    rng = np.random.default_rng(3)

    def width(readers: int) -> float:
        rows = [("a", f"r{i}", int(click), 0.0) for i, click in enumerate(rng.random(readers) < 0.3)]
        opened = arms(outcomes(*rows))[0].opened
        assert opened.low <= opened.mean <= opened.high
        return opened.high - opened.low

    assert width(2_000) < width(50)


def test_no_slates_no_arms() -> None:
    assert arms(outcomes()) == []
    assert shadows(pl.DataFrame(schema=SHADOWS)) == []


def test_a_shadow_is_judged_by_what_it_would_have_kept() -> None:
    rows = [
        ("new", "r1", ["a", "b"], ["a", "c"], ["c"]),
        ("new", "r2", ["a", "c"], ["a", "c"], ["a", "c"]),
        ("new", "r3", ["x"], ["a", "c"], []),
    ]
    (reported,) = shadows(pl.DataFrame(rows, schema=SHADOWS, orient="row"))
    assert (reported.model, reported.slates) == ("new", 3)
    assert reported.shared.mean == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert reported.kept.mean == pytest.approx(0.5), "slates from which nothing was opened do not count"
