"""Content of inputs: how far the keys of an input are from those of undamaged inputs, alone and beside the others.

The keys of the first and of the last layer are projected on their main axes (principal components of undamaged
inputs), and a ridge regression predicts each input from the other inputs of its example. What is far from every
undamaged input, or from its prediction, is unusual, also if its kind of damage was never trained.

Shapes: B examples, N inner keys, C numbers of both layers, K main axes, X predictors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

AXES = 24
"""Main axes, at most."""

UNUSUAL = ("residual", "distance", "surprise")
"""How unusual an input is, as logs: length of the part outside the main axes, mean square of its standardised
coordinates on them, and mean square of their standardised distance from the prediction.
"""

_MOST_POSITIONS = 64
"""With more positions, an input is predicted from its neighbours and the mean of the others."""

_RIDGE_POSITION, _RIDGE = 0.3, 0.05
"""Penalty per example of a regression for one position, and per input of one for all positions."""

_CLIP, _LEAST = 8.0, 1e-6


@dataclass(frozen=True, slots=True)
class ContentProfile:
    """Content of undamaged inputs.

    mean [C]; axes [K, C]; scale: deviation on each axis [K]; weights: of the prediction, [N, X, K] by position, or
    [1, X, K] for all positions; deviation: of the differences from the prediction, [N, K] or [1, K].
    """

    mean: Floats
    axes: Floats
    scale: Floats
    weights: Floats
    deviation: Floats

    @classmethod
    def of(cls, contents: Sequence[NDArray[np.float32]], inner: Sequence[Mask], fixed: bool) -> "ContentProfile":
        """Build the profile of undamaged examples, contents [B, N, C] a batch.

        fixed: all examples have the same positions, so that each one has a prediction of its own.
        """
        known = np.concatenate([content[mask] for content, mask in zip(contents, inner, strict=True)])
        known = known.astype(np.float64)
        mean = known.mean(axis=0)
        variance, directions = np.linalg.eigh(np.cov(known - mean, rowvar=False, bias=True))
        # the largest variance comes last; few examples leave many directions without any
        count = min(AXES, int((variance > _LEAST * variance[-1]).sum()))
        axes, scale = directions[:, ::-1][:, :count].T, np.sqrt(variance[::-1][:count])
        made = cls(mean, axes, scale, np.zeros((0, 0, len(axes))), np.zeros((0, len(axes))))
        coordinates = [made._coordinates(content, mask) for content, mask in zip(contents, inner, strict=True)]
        fixed = fixed and 1 < coordinates[0].shape[1] <= _MOST_POSITIONS
        weights, deviation = _by_position(np.concatenate(coordinates)) if fixed else _pooled(coordinates, inner)
        return cls(mean, axes, scale, weights, deviation)

    @property
    def size(self) -> int:
        """Return the number of features of an input."""
        return 2 * len(self.axes) + len(UNUSUAL)

    def features(self, content_BNC: NDArray[np.float32], inner_BN: Mask) -> NDArray[np.float32]:
        """Return coordinates, differences from the prediction, and `UNUSUAL`: [B, N, size]."""
        coordinates_BNK = self._coordinates(content_BNC, inner_BN)
        differences_BNK = self._differences(coordinates_BNK, inner_BN)
        parts = [
            np.clip(coordinates_BNK, -_CLIP, _CLIP),
            np.clip(differences_BNK, -_CLIP, _CLIP),
            self._unusual(content_BNC, coordinates_BNK, differences_BNK),
        ]
        return np.concatenate(parts, axis=-1).astype(np.float32)

    def _coordinates(self, content_BNC: NDArray[np.float32], inner_BN: Mask) -> Floats:
        coordinates_BNK = (content_BNC - self.mean) @ self.axes.T / self.scale
        return np.asarray(coordinates_BNK * inner_BN[..., None])

    def _differences(self, coordinates_BNK: Floats, inner_BN: Mask) -> Floats:
        """Return the standardised differences from the prediction [B, N, K]."""
        if len(self.weights) > 1:
            predicted_BNK = np.tensordot(_whole(coordinates_BNK), self.weights, axes=(1, 1))
        else:
            predicted_BNK = _beside(coordinates_BNK, inner_BN) @ self.weights[0]
        return np.asarray((coordinates_BNK - predicted_BNK) / self.deviation)

    def _unusual(
        self, content_BNC: NDArray[np.float32], coordinates_BNK: Floats, differences_BNK: Floats
    ) -> Floats:
        centred_BNC = content_BNC - self.mean
        outside_BNC = centred_BNC - (coordinates_BNK * self.scale) @ self.axes
        squares = (
            np.linalg.norm(outside_BNC, axis=-1),
            np.mean(coordinates_BNK**2, axis=-1),
            np.mean(differences_BNK**2, axis=-1),
        )
        return np.log(np.stack(squares, axis=-1) + _LEAST)


def _whole(coordinates_BNK: Floats) -> Floats:
    """Return all inputs of each example and a constant [B, N · K + 1]."""
    return np.concatenate(
        [coordinates_BNK.reshape(len(coordinates_BNK), -1), np.ones((len(coordinates_BNK), 1))], axis=1
    )


def _beside(coordinates_BNK: Floats, inner_BN: Mask) -> Floats:
    """Return the mean of the other inputs, two inputs on either side, and a constant [B, N, 5 · K + 1]."""
    others_BNK = coordinates_BNK.sum(axis=1, keepdims=True) - coordinates_BNK
    others_BNK /= np.maximum(inner_BN.sum(axis=1) - 1, 1)[:, None, None]
    padded = np.pad(coordinates_BNK, ((0, 0), (2, 2), (0, 0)))
    count = coordinates_BNK.shape[1]
    sides = [padded[:, 2 + step : 2 + step + count] for step in (-2, -1, 1, 2)]
    return np.concatenate([others_BNK, *sides, np.ones((*coordinates_BNK.shape[:2], 1))], axis=-1)


def _by_position(coordinates_BNK: Floats) -> tuple[Floats, Floats]:
    """Return weights [N, N · K + 1, K] and deviations [N, K] of a regression for each position.

    A position is not predicted from itself: its own weights are 0.
    """
    axes, weights, deviations = coordinates_BNK.shape[2], [], []
    whole_BX = _whole(coordinates_BNK)
    for position in range(coordinates_BNK.shape[1]):
        predictors_BX = whole_BX.copy()
        predictors_BX[:, position * axes : (position + 1) * axes] = 0.0
        fitted = _ridge(predictors_BX, coordinates_BNK[:, position], _RIDGE_POSITION)
        weights.append(fitted)
        deviations.append((coordinates_BNK[:, position] - predictors_BX @ fitted).std(axis=0) + 1e-3)
    return np.stack(weights), np.stack(deviations)


def _pooled(coordinates: Sequence[Floats], inner: Sequence[Mask]) -> tuple[Floats, Floats]:
    """Return weights [1, 5 · K + 1, K] and deviations [1, K] of one regression for all positions."""
    pairs = list(zip(coordinates, inner, strict=True))
    predictors = np.concatenate([_beside(each, mask)[mask] for each, mask in pairs])
    targets = np.concatenate([each[mask] for each, mask in pairs])
    fitted = _ridge(predictors, targets, _RIDGE)
    return fitted[None], ((targets - predictors @ fitted).std(axis=0) + 1e-3)[None]


def _ridge(predictors_MX: Floats, targets_MK: Floats, penalty: float) -> Floats:
    """Return weights [X, K] of the least squares with a penalty for each of M rows (Hoerl and Kennard 1970)."""
    square = predictors_MX.T @ predictors_MX + penalty * len(predictors_MX) * np.eye(predictors_MX.shape[1])
    return np.asarray(np.linalg.solve(square, predictors_MX.T @ targets_MK))
