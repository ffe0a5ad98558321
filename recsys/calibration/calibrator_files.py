"""Calibrator files: one safetensors file with profile, both networks, limits and strength."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from recsys.calibration.attention_statistics import COHERENCE, HEAD, TOKEN
from recsys.calibration.calibrator import Calibration, Calibrator, Strength
from recsys.calibration.field_weights import FieldWeights
from recsys.calibration.file_digest import digest_of
from recsys.calibration.head_anomaly_detector import HeadAutoencoder, StructureDetector
from recsys.calibration.normal_profile import COUNT, Profile
from recsys.calibration.token_detector import FLAGGED_CLEAN, TokenDetector, TokenScorer
from recsys.errors import BundleError

Arrays = dict[str, NDArray[np.generic]]


def save_calibrator(calibrator: Calibrator, path: Path) -> None:
    """Write a calibrator to `path`."""
    path.write_bytes(serialise(calibrator))


def serialise(calibrator: Calibrator) -> bytes:
    """Return the file content of a calibrator; equal calibrators give equal content."""
    structure, tokens = calibrator.structure, calibrator.tokens
    arrays: Arrays = {
        **_prefixed("profile", calibrator.profile.arrays()),
        **_prefixed("structure", _weights(structure.network)),
        **_prefixed("tokens", _weights(tokens.network)),
        "limits": structure.limits,
        "head_limits": structure.head_limits,
    }
    numbers = {
        "strength": asdict(calibrator.strength),
        "threshold": tokens.threshold,
        "limit": tokens.limit,
        "false_positives": structure.false_positives,
        "fields": asdict(calibrator.fields),
    }
    contiguous = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    content: bytes = save(contiguous, metadata={"numbers": json.dumps(numbers, sort_keys=True)})
    return content


def load_calibrator(path: Path) -> Calibrator:
    """Load a calibrator written by `save_calibrator`.

    Raises:
        BundleError: the file cannot be read, lacks a part, or its parts do not fit together.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            numbers = json.loads(file.metadata()["numbers"])
        return _calibrator(arrays, numbers)
    except (OSError, SafetensorError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise BundleError(f"attention calibrator {path} cannot be read: {error}; train a new bundle") from error


def _calibrator(arrays: Arrays, numbers: Mapping[str, object]) -> Calibrator:
    autoencoder = HeadAutoencoder(arrays["structure.layers.0.weight"].shape[1])
    scorer = TokenScorer(arrays["tokens.mean"].shape[0])
    _restore(autoencoder, _part("structure", arrays))
    _restore(scorer, _part("tokens", arrays))
    _check_shapes(arrays)
    detector = StructureDetector(
        Profile.from_arrays(_part("profile", arrays)),
        autoencoder,
        arrays["limits"].astype(np.float64),
        arrays["head_limits"].astype(np.float64),
        float(numbers["false_positives"]),  # type: ignore[arg-type]
    )
    strength = Strength(**numbers["strength"])  # type: ignore[arg-type]
    threshold, limit = float(numbers["threshold"]), float(numbers["limit"])  # type: ignore[arg-type]
    fields = FieldWeights(**numbers["fields"])  # type: ignore[arg-type]
    return Calibrator(detector, TokenDetector(scorer, threshold, limit), strength, fields)


def _check_shapes(arrays: Arrays) -> None:
    """Check shapes here, because a wrong one would fail only with the first text."""
    layers, heads = arrays["head_limits"].shape
    inputs = {"structure.layers.0.weight": (len(HEAD), 0), "tokens.mean": (len(TOKEN), len(COHERENCE))}
    expected = {f"profile.{name}": values.shape for name, values in Profile(layers, heads).arrays().items()}
    expected |= {"limits": (COUNT,)}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    for name, (each, others) in inputs.items():
        if arrays[name].shape[-1] != layers * heads * each + others:
            raise ValueError(f"{name} is not for {layers} layers of {heads} heads")


def _weights(network: torch.nn.Module) -> Arrays:
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def _restore(network: torch.nn.Module, arrays: Arrays) -> None:
    network.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in arrays.items()})
    network.eval()


def _prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": values for name, values in arrays.items()}


def _part(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(f"{prefix}."): v for name, v in arrays.items() if name.startswith(f"{prefix}.")}


def calibration_of(calibrator: Calibrator, flag_rate: float = FLAGGED_CLEAN) -> Calibration:
    """Return a calibration before its file exists: training encodes with the calibrator it is about to publish."""
    return Calibration(calibrator, digest_of(serialise(calibrator)), flag_rate)
