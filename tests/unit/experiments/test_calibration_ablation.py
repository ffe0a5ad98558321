"""The rows of the ablation on a small world, whose calibrator finds something in every text."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from recsys.domain import HOUR
from recsys.errors import BundleError
from recsys.evaluation.run_evaluation import TimeWindow, choose_window, evaluate
from recsys.experiments.calibration_ablation import FIELDS, HISTORY, SYSTEMS, ablate
from recsys.models.model_loader import TrainedSystem, load_bundle
from recsys.training.calibration.ablation_arms import ALL, GAMMA, HEADS, KAPPA, OFF, TOKENS
from recsys.training.training_run import Progress, silent
from recsys.user_model.network_matcher import NetworkMatcher
from tests.calibrated import eager, with_calibration
from tests.trained import HashEncoder, Place, last_day

ROWS = [OFF, HEADS, TOKENS, FIELDS, HISTORY, ALL]


@pytest.fixture(scope="module")
def calibrated(trained: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Its bundle carries a calibrator of the strength that is ablated."""
    copied = trained.copy(tmp_path_factory.mktemp("calibrated"))
    with_calibration(copied, eager(gamma=GAMMA, kappa=KAPPA), "calibrated")
    return copied


@pytest.fixture(scope="module")
def untouched(calibrated: Place) -> dict[str, Any]:
    return ablated(calibrated, served(calibrated))


def served(at: Place, **history: float) -> TrainedSystem:
    """The active system with its histories calibrated like this; uncalibrated without `history`."""
    system = load_bundle(at.home, HashEncoder.name)
    assert isinstance(system.models.matcher, NetworkMatcher)
    weights = system.models.matcher.weights
    config = replace(weights.config.uncalibrated(), **history)  # type: ignore[arg-type]
    models = replace(system.models, matcher=NetworkMatcher(weights.calibrated(config)))
    return replace(system, models=models)


def window_of(at: Place, system: TrainedSystem) -> TimeWindow:
    return choose_window(at.open(), system, last_day() + 14 * HOUR, None, in_sample=False)


def ablated(at: Place, system: TrainedSystem, progress: Progress = silent) -> dict[str, Any]:
    return ablate(at.open(), HashEncoder(), system, window_of(at, system), progress)


def aucs(measured: Mapping[str, Any]) -> dict[str, float]:
    return {name: measured[name]["auc"]["mean"] for name in SYSTEMS}


def evaluated(at: Place, system: TrainedSystem) -> dict[str, float]:
    found = evaluate(at.open(), HashEncoder(), system, window_of(at, system), silent)["systems"]
    return {name: found[name]["auc"] for name in SYSTEMS}


def test_off_equals_an_evaluation_without_any_calibration(calibrated: Place, untouched: dict[str, Any]) -> None:
    raw = replace(served(calibrated), calibrator=None)
    assert aucs(untouched["rows"][OFF]) == pytest.approx(evaluated(calibrated, raw), rel=1e-12)


def test_all_equals_an_evaluation_of_a_bundle_with_every_part_on(calibrated: Place) -> None:
    system = served(calibrated, dwell_weight=4.0, temperature=0.5)
    found = aucs(ablated(calibrated, system)["rows"][ALL])
    assert found == pytest.approx(evaluated(calibrated, system), rel=1e-12)


def test_every_part_makes_a_difference_and_is_paired_with_off(untouched: dict[str, Any]) -> None:
    rows = untouched["rows"]
    assert list(rows) == ROWS
    assert "difference" not in rows[OFF]["attune"]
    networks = {row: rows[row]["nrms"]["auc"]["mean"] for row in ROWS}
    # beside a suspicious headline, and all of them are, an abstract keeps its weight
    assert networks.pop(FIELDS) == networks[OFF]
    assert len(set(networks.values())) == len(networks)
    for row in ROWS[1:]:
        for name in SYSTEMS:
            figures, off = rows[row][name], rows[OFF][name]
            assert figures["difference"]["mean"] == pytest.approx(figures["auc"]["mean"] - off["auc"]["mean"])
            assert figures["auc"]["low"] <= figures["auc"]["mean"] <= figures["auc"]["high"]
            assert figures["verdict"] in ("win", "tie", "loss")


def test_histories_are_calibrated_as_served_and_progress_names_the_row(calibrated: Place) -> None:
    stages = []
    system = served(calibrated, temperature=0.5)
    history = ablated(calibrated, system, lambda stage, *_: stages.append(stage))["history"]
    assert history["applied"] == history["served"] == {"temperature": 0.5, "dwell_weight": 0.0, "keep": 1.0}
    assert list(dict.fromkeys(stages)) == ["articles encoded", *(f"{row}: impressions replayed" for row in ROWS)]


def test_a_dwell_weight_is_assumed_and_reported_if_the_gate_left_histories_alone(
    untouched: dict[str, Any],
) -> None:
    assert untouched["history"]["served"] == {"temperature": 1.0, "dwell_weight": 0.0, "keep": 1.0}
    assert untouched["history"]["applied"] == {"temperature": 1.0, "dwell_weight": 1.0, "keep": 1.0}


def test_it_is_a_json_object_and_has_what_it_was_measured_on(untouched: dict[str, Any], trained: Place) -> None:
    reported = json.loads(json.dumps(untouched))
    assert reported["bundle"] == "calibrated"
    assert reported["data"]["impressions"] > reported["data"]["readers"] > 1
    assert (reported["articles"]["applied"]["gamma"], reported["articles"]["applied"]["kappa"]) == (GAMMA, KAPPA)


def test_a_bundle_without_a_calibrator_is_refused_with_the_reason(trained: Place) -> None:
    with pytest.raises(BundleError, match=r"no calibrator, .*: hash@16 cannot be watched"):
        ablated(trained, load_bundle(trained.home, HashEncoder.name))
