from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.calibration.calibrator import Calibrator, Inspection, Strength
from recsys.calibration.normal_profile import Profile
from recsys.calibration.token_detector import anomaly_score, inner_tokens
from tests.unit.calibration.observations import HEADS, LAYERS, normal
from tests.unit.calibration.small import small_calibrator

TEXTS, TOKENS = 4, 7


@pytest.fixture(scope="module")
def calibrator() -> Calibrator:
    return small_calibrator()


def found(seed: int = 0) -> Inspection:
    """Three suspect texts of four, of which two with flags (0 and 2); two anomalies (1 and 2); nothing about 3."""
    rng = np.random.default_rng(seed)
    excess = np.maximum(rng.normal(size=(TEXTS, LAYERS, HEADS)), 0)
    excess[1, 0, 0], excess[2, 0, 0] = 0.1, 50.0
    flagged = rng.random((TEXTS, TOKENS)) < 0.4
    flagged[[1, 3]] = False
    flagged[0, 1] = flagged[2, 2] = True
    nothing = np.zeros_like(flagged)
    return Inspection(
        score=rng.random(TEXTS),
        anomalous=np.array([False, True, True, False]),
        head_excess=excess,
        probability=0.05 + 0.9 * rng.random((TEXTS, TOKENS)),
        flagged=flagged,
        flagged_text=np.array([True, True, True, False]),
        over=nothing,
        under_attended=nothing,
        lengths=np.full(TEXTS, TOKENS),
    )


def of(calibrator: Calibrator, **strength: float) -> Calibrator:
    return replace(calibrator, strength=Strength(**strength))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000))
def test_as_shipped_nothing_is_planned(seed: int) -> None:
    calibrator = small_calibrator()
    assert calibrator.strength == Strength()
    assert calibrator.strength.identity
    assert calibrator.plan(found(seed)) is None


@pytest.mark.parametrize("strength", [{"gamma": 0.1}, {"kappa": 0.1}, {"fields": True}])
def test_any_strength_is_not_the_identity(strength: dict[str, Any]) -> None:
    assert not Strength(**strength).identity


def test_a_text_is_suspicious_if_it_is_flagged_and_has_a_flagged_token() -> None:
    inspection = found(3)
    np.testing.assert_array_equal(inspection.suspicious, inspection.flagged_text & inspection.flagged.any(axis=1))
    assert inspection.suspicious.any()
    assert not replace(inspection, flagged=np.zeros_like(inspection.flagged)).suspicious.any()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.01, 5))
def test_flagged_tokens_alone_are_gated_by_gamma_times_their_probability(seed: int, gamma: float) -> None:
    inspection = found(seed)
    plan = of(small_calibrator(), gamma=gamma).plan(inspection)
    assert plan is not None
    np.testing.assert_array_equal(plan.rows, [0, 2])
    flagged, probability = inspection.flagged[plan.rows], inspection.probability[plan.rows]
    np.testing.assert_allclose(plan.log_gate[flagged], -gamma * probability[flagged])
    assert (plan.log_gate[~flagged] == 0).all()
    assert (plan.mix == 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.01, 5), st.floats(0.05, 1))
def test_heads_above_their_limit_are_mixed_in_anomalous_texts_alone(seed: int, kappa: float, most: float) -> None:
    inspection = found(seed)
    plan = of(small_calibrator(), kappa=kappa, most_mix=most).plan(inspection)
    assert plan is not None
    np.testing.assert_array_equal(plan.rows, [1, 2])
    excess = inspection.head_excess[plan.rows]
    np.testing.assert_allclose(plan.mix, np.minimum(kappa * excess, most))
    assert (plan.mix[excess == 0] == 0).all()
    assert plan.mix.max() <= most
    assert (plan.log_gate == 0).all()


def test_flagged_tokens_of_a_text_that_is_not_suspect_stay() -> None:
    trusted = replace(found(), flagged_text=np.array([False, True, True, True]))
    plan = of(small_calibrator(), gamma=1.0).plan(trusted)
    assert plan is not None
    np.testing.assert_array_equal(plan.rows, [2])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.1, 1))
def test_tokens_that_are_certainly_injected_are_cut(seed: int, certain: float) -> None:
    inspection = found(seed)
    plan = of(small_calibrator(), gamma=1.0, certain=certain).plan(inspection)
    assert plan is not None
    gate = inspection.gate_probability[plan.rows]
    np.testing.assert_array_equal(plan.cut, (gate > 0) & (gate >= certain))


def test_nothing_is_cut_where_heads_alone_are_adjusted() -> None:
    plan = of(small_calibrator(), kappa=1.0, certain=0.1).plan(found())
    assert plan is not None
    assert not plan.cut.any()


def test_a_text_with_nothing_found_is_in_no_plan(calibrator: Calibrator) -> None:
    plan = of(calibrator, gamma=1.0, kappa=1.0).plan(found())
    assert plan is not None
    np.testing.assert_array_equal(plan.rows, [0, 1, 2])


def test_nothing_found_gives_no_plan(calibrator: Calibrator) -> None:
    quiet = replace(found(), flagged=np.zeros((TEXTS, TOKENS), bool), anomalous=np.zeros(TEXTS, bool))
    assert of(calibrator, gamma=1.0, kappa=1.0).plan(quiet) is None


def test_the_flagged_share_is_of_inner_tokens() -> None:
    flagged = np.zeros((3, 6), dtype=np.bool_)
    flagged[0, 1:3] = True
    some = replace(found(), flagged=flagged, lengths=np.array([6, 4, 2]))
    np.testing.assert_array_equal(some.flagged_share, [0.5, 0, 0])
    assert len(some) == 3


def test_an_inspection_joins_what_the_detectors_say(calibrator: Calibrator) -> None:
    seen = normal(200, seed=11)
    inspection = calibrator.inspect(seen)
    structure = calibrator.structure.measure(seen)
    np.testing.assert_array_equal(inspection.score, structure.score)
    np.testing.assert_array_equal(inspection.probability, calibrator.tokens.probabilities(seen))
    np.testing.assert_array_equal(inspection.flagged, inspection.probability > calibrator.tokens.threshold)
    speaks_against = anomaly_score(inspection.probability, inner_tokens(seen))
    np.testing.assert_array_equal(inspection.flagged_text, speaks_against > calibrator.tokens.limit)
    off = structure.heads > calibrator.structure.head_limits
    np.testing.assert_array_equal(inspection.head_excess > 0, off)
    assert not inspection.flagged[~seen.real].any()
    assert not inspection.under_attended[~seen.real].any()
    assert not inspection.under_attended[:, 0].any()
    assert not (inspection.over & ~inspection.flagged).any()
    assert isinstance(calibrator.profile, Profile)


def test_tokens_that_receive_little_are_starved_and_flagged_ones_that_receive_much_are_over(
    calibrator: Calibrator,
) -> None:
    seen = normal(200, seed=11)
    seen.tokens[0, 1, ..., 0], seen.tokens[0, 2, ..., 0] = 0.0, 30.0
    eager = replace(calibrator, tokens=replace(calibrator.tokens, threshold=0.0))
    inspection = eager.inspect(seen)
    assert inspection.under_attended[0, 1]
    assert not inspection.over[0, 1]
    assert inspection.over[0, 2]
    assert not inspection.under_attended[0, 2]
    assert inspection.over[seen.real].mean() == pytest.approx(0.05, abs=0.03)
