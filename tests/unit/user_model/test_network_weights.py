from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import BundleError
from recsys.user_model.network_matcher import NetworkMatcher
from recsys.user_model.network_weights import PreferenceWeights, load_weights
from recsys.user_model.preference_network import PreferenceNetwork
from tests.unit.user_model.cases import TINY, reads, units


def test_a_saved_network_scores_alike(tmp_path: Path) -> None:
    weights = PreferenceNetwork(TINY).weights()
    weights.save(tmp_path / "p.safetensors")
    again = load_weights(tmp_path / "p.safetensors", TINY.as_dict())
    one, two = (NetworkMatcher(each).match(reads(4), units(6, 1), 0).scores for each in (weights, again))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("wrong", [{"projected": 4}, {"nonsense": 1}, {"heads": 0}, {"heads": 3}, {"history": 0}])
def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    PreferenceNetwork(TINY).weights().save(tmp_path / "p.safetensors")
    with pytest.raises(BundleError, match="does not fit"):
        load_weights(tmp_path / "p.safetensors", {**TINY.as_dict(), **wrong})


def test_a_network_from_before_importance_is_refused(tmp_path: Path) -> None:
    weights = PreferenceNetwork(TINY).weights()
    old = {name: array for name, array in weights.arrays.items() if "important" not in name}
    PreferenceWeights(TINY, old).save(tmp_path / "p.safetensors")
    with pytest.raises(BundleError, match="does not fit its configuration"):
        load_weights(tmp_path / "p.safetensors", TINY.as_dict())


def test_calibration_is_saved_with_the_configuration(tmp_path: Path) -> None:
    config = replace(TINY, dwell_weight=4.0, temperature=0.5, keep=0.6)
    PreferenceNetwork(TINY).weights().calibrated(config).save(tmp_path / "p.safetensors")
    assert load_weights(tmp_path / "p.safetensors", config.as_dict()).config == config


@pytest.mark.parametrize("content", [None, b"", b"rubbish that is no network"])
def test_damaged_weights_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "p.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match="cannot be read"):
        load_weights(path, TINY.as_dict())
