"""Files of a model's calibration: the arrays as safetensors, and the numbers as JSON, in one folder."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from recsys.calibration.input_content import ContentProfile
from recsys.calibration.input_detector import InputDetector, InputProfile
from recsys.calibration.model_calibrator import ModelCalibrator
from recsys.calibration.token_detector import TokenDetector, TokenScorer
from recsys.errors import BundleError

ARRAYS, NUMBERS = "calibration.safetensors", "calibration.json"

_CONTENT, _PARTS = "content.", fields(ContentProfile)
"""Prefix of the arrays of the content, and its parts."""


def save_model_calibrator(calibrator: ModelCalibrator, folder: Path, **notes: Any) -> None:
    """Write a calibrator to `folder`, which is created; `notes` are added to the JSON file."""
    folder.mkdir(parents=True, exist_ok=True)
    profile, network = calibrator.detector.profile, calibrator.detector.network
    arrays = {f"network.{name}": value.contiguous() for name, value in network.network.state_dict().items()}
    numpy_arrays = {
        "mean": profile.mean,
        "deviation": profile.deviation,
        **({} if calibrator.detector.limits is None else {"limits": calibrator.detector.limits}),
    }
    if profile.content is not None:
        numpy_arrays |= {f"{_CONTENT}{each.name}": getattr(profile.content, each.name) for each in _PARTS}
    arrays |= {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in numpy_arrays.items()}
    save_file(arrays, folder / ARRAYS)
    numbers = {
        "gamma": calibrator.gamma,
        "certain": calibrator.certain,
        "threshold": network.threshold,
        "limit": network.limit,
        **notes,
    }
    (folder / NUMBERS).write_text(json.dumps(numbers, indent=2))


def load_model_calibrator(folder: Path) -> ModelCalibrator:
    """Load a calibrator written by `save_model_calibrator`.

    Raises:
        BundleError: a file cannot be read, or lacks a part.
    """
    try:
        arrays = load_file(folder / ARRAYS)
        numbers = json.loads((folder / NUMBERS).read_text())
        has_content = any(name.startswith(_CONTENT) for name in arrays)
        content = (
            ContentProfile(*(arrays[_CONTENT + each.name].numpy() for each in _PARTS)) if has_content else None
        )
        profile = InputProfile(arrays["mean"].numpy(), arrays["deviation"].numpy(), content)
        scorer = TokenScorer(profile.size)
        weights = {
            name.removeprefix("network."): value for name, value in arrays.items() if name.startswith("network.")
        }
        scorer.load_state_dict(weights)
        scorer.eval()
        tokens = TokenDetector(scorer, float(numbers["threshold"]), float(numbers["limit"]))
        detector = InputDetector(profile, tokens, arrays["limits"].numpy() if "limits" in arrays else None)
        return ModelCalibrator(detector, float(numbers["gamma"]), float(numbers["certain"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(f"calibration {folder} cannot be read: {error}; calibrate the model again") from error
