"""A calibrator through its file."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from recsys.calibration.calibrator import Calibrator, Strength
from recsys.calibration.calibrator_files import load_calibrator, save_calibrator
from recsys.calibration.field_weights import FieldWeights
from recsys.calibration.file_digest import digest
from recsys.errors import BundleError
from tests.unit.calibration.observations import normal
from tests.unit.calibration.small import small_calibrator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A saved calibrator."""
    file = tmp_path / "attention.safetensors"
    save_calibrator(small_calibrator(), file)
    return file


def strong() -> Calibrator:
    strength = Strength(gamma=1.5, kappa=0.2, most_mix=0.25, fields=True)
    return replace(small_calibrator(), strength=strength, fields=FieldWeights(0.125, 0.5))


def test_a_loaded_calibrator_judges_as_the_saved_one(path: Path) -> None:
    seen, calibrator, loaded = normal(100, seed=30), small_calibrator(), load_calibrator(path)
    before, after = calibrator.inspect(seen), loaded.inspect(seen)
    for field in fields(before):
        np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))
    assert loaded.tokens.threshold == calibrator.tokens.threshold
    assert loaded.tokens.limit == calibrator.tokens.limit
    assert loaded.structure.false_positives == calibrator.structure.false_positives


def test_strength_and_plans_come_back(path: Path) -> None:
    save_calibrator(strong(), path)
    loaded, seen = load_calibrator(path), normal(300, seed=31)
    assert loaded.strength == strong().strength
    assert loaded.fields == strong().fields
    before, after = strong().plan(strong().inspect(seen)), loaded.plan(loaded.inspect(seen))
    assert before is not None
    assert after is not None
    for field in fields(before):
        np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_a_loaded_profile_goes_on(path: Path) -> None:
    profile = load_calibrator(path).profile
    profile.add(normal(10, seed=32))
    assert profile.texts == small_calibrator().profile.texts + 10


def test_the_digest_is_of_the_content_and_the_strength(path: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    save_calibrator(load_calibrator(path), again)
    save_calibrator(strong(), other)
    assert digest(again) == digest(path) != digest(other)
    assert len(digest(path)) == 12


@pytest.mark.parametrize("damage", ["empty", "cut", "header", "text", "missing", "folder"])
def test_a_file_that_cannot_be_read_names_the_fix(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    damaged = {"empty": b"", "cut": whole[:-100], "header": b"\xff" * 8 + whole[8:], "text": b"no tensors here"}
    if damage in damaged:
        path.write_bytes(damaged[damage])
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    refuses(path)


def refuses(path: Path) -> None:
    with pytest.raises(BundleError, match="train a new bundle") as caught:
        load_calibrator(path)
    assert str(path) in str(caught.value)


def rewritten(path: Path, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None) -> None:
    save_file(arrays, path, metadata=metadata)


@pytest.mark.parametrize(
    "part",
    [
        "limits",
        "head_limits",
        *(f"profile.{name}" for name in ("count", "mean", "m2", "histogram", "received")),
        "tokens.mean",
        "tokens.near.bias",
        "structure.layers.0.weight",
    ],
)
def test_a_missing_part_names_the_fix(path: Path, part: str) -> None:
    arrays, metadata = contents(path)
    del arrays[part]
    rewritten(path, arrays, metadata)
    refuses(path)


@pytest.mark.parametrize("numbers", [None, "{", "[]", "{}", '{"strength": {"unknown": 1}}'])
def test_missing_or_strange_numbers_name_the_fix(path: Path, numbers: str | None) -> None:
    arrays, _ = contents(path)
    rewritten(path, arrays, None if numbers is None else {"numbers": numbers})
    refuses(path)


@pytest.mark.parametrize(
    "part",
    [
        "limits",
        "head_limits",
        *(f"profile.{name}" for name in ("count", "mean", "m2", "histogram", "received")),
        "tokens.mean",
        "structure.layers.0.weight",
    ],
)
@pytest.mark.parametrize("change", ["flat", "short", "single"])
def test_a_part_of_the_wrong_shape_names_the_fix(path: Path, part: str, change: str) -> None:
    arrays, metadata = contents(path)
    whole = arrays[part]
    flat = whole.reshape(-1) if whole.ndim > 1 else whole[None]
    arrays[part] = {"flat": flat, "short": whole[:-1], "single": np.asarray(whole.flat[0])}[change]
    rewritten(path, arrays, metadata)
    refuses(path)


def contents(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
