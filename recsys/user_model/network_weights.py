"""Configuration, weights and weight file of the preference network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from recsys.errors import BundleError
from recsys.user_model.matcher import EVIDENCE

INTERESTS = 4
NEWEST_FIRST = 1e-3
"""Bonus of the newest read as centre of an interest, in cosines, so that rounding decides no tie."""


@dataclass(frozen=True, slots=True)
class PreferenceConfig:
    """Sizes of the preference network, and the calibration of its attention (identity by default)."""

    dim: int = 384
    projected: int = 96
    heads: int = 4
    interests: int = INTERESTS
    history: int = 50
    dropout: float = 0.1
    initial_scale: float = 8.0
    temperature: float = 1.0
    dwell_weight: float = 0.0
    keep: float = 1.0

    def uncalibrated(self) -> Self:
        """Return the configuration with identity calibration."""
        return replace(self, temperature=1.0, dwell_weight=0.0, keep=1.0)

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration for the bundle's manifest."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PreferenceWeights:
    """Weights of a trained network. arrays: float32, by the parameter names of `PreferenceNetwork`."""

    config: PreferenceConfig
    arrays: Mapping[str, NDArray[np.float32]]

    def calibrated(self, config: PreferenceConfig) -> "PreferenceWeights":
        """Return the same arrays, shared, with another calibration."""
        return replace(self, config=config)

    def save(self, path: Path) -> None:
        """Write the arrays as safetensors. The configuration is stored in the manifest."""
        save_file(dict(self.arrays), path)


def load_weights(path: Path, config: Mapping[str, object]) -> PreferenceWeights:
    """Load weights written by `PreferenceWeights.save`.

    Raises:
        BundleError: the weights cannot be read, or do not fit the configuration.
    """
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"preference network {path} cannot be read: {error}") from error
    try:
        sizes = PreferenceConfig(**config)  # type: ignore[arg-type]
    except TypeError as error:
        raise BundleError(f"preference network {path} does not fit its configuration: {error}") from error
    if sizes.heads < 1 or sizes.projected % sizes.heads or sizes.history < 1:
        raise BundleError(
            f"preference network {path} does not fit its configuration: invalid number of heads or history length"
        )
    expected = _shapes(sizes)
    if mismatched := sorted(
        name for name in {*expected, *arrays} if not _fits(arrays.get(name), expected.get(name))
    ):
        raise BundleError(f"preference network {path} does not fit its configuration: {', '.join(mismatched)}")
    return PreferenceWeights(sizes, arrays)


def _fits(array: NDArray[np.float32] | None, shape: tuple[int, ...] | None) -> bool:
    return array is not None and array.shape == shape and array.dtype == np.float32


def _shapes(config: PreferenceConfig) -> dict[str, tuple[int, ...]]:
    width, interests = config.projected, config.interests
    return {
        "residual": (),
        "log_route": (),
        "whole": (),
        "evidence": (1 + len(EVIDENCE),),
        "log_scale": (),
        "project.weight": (width, config.dim),
        "circumstance.weight": (width, 3),
        "circumstance.bias": (width,),
        "attend.in_proj_weight": (3 * width, width),
        "attend.in_proj_bias": (3 * width,),
        "attend.out_proj.weight": (width, width),
        "attend.out_proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
        "additive.weight": (width, width),
        "additive.bias": (width,),
        "query.weight": (interests, width),
        "important.0.weight": (width, width),
        "important.0.bias": (width,),
        "important.2.weight": (1, width),
        "important.2.bias": (1,),
    }
