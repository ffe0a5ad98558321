"""Space in which the vectors of one publisher's articles are compared.

Raw vectors of a language model lie in a narrow cone: all articles have much in common, which says nothing about
any of them (anisotropy; Ethayarajh 2019, "How contextual are contextualized word representations?"). Without their
mean (Mu and Viswanath 2018, "All-but-the-top") the same vectors tell articles apart. The mean is that of the
publisher's articles at training; a bundle stores it, and new articles are moved by the same mean.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from recsys.errors import BundleError

Vectors = NDArray[np.float32]

INVERSE_TEMPERATURE = 9.0
"""β of raw vectors: 1 / standard deviation of the cosines of random pairs of articles, so that a common
difference changes a weight by a factor e. Mean over NeMig (English) 8.6, EB-NeRD (Danish) 9.8 and simulated
articles 8.6, with the default encoder; MIND would give 8.0 and was not used (docs/log/).
"""

LEAST_ARTICLES = 200
"""With fewer articles, their mean is not that of the publisher."""

_MOST_FITTED = 20_000
_MOST_PAIRS = 20_000
_AXES = 96
_SAME_MEAN = 0.99
_RANGE = (2.0, 30.0)
"""Bounds of β."""


@dataclass(frozen=True)
class VectorSpace:
    """Space of article vectors.

    mean: of the raw vectors [d], which is subtracted; None leaves vectors as they are. axes: the main directions
    of the articles [d, c], on which many articles can be compared fast; None without a fit. inverse_temperature: β
    of the untrained match. typical, typical_on_axes: mean cosine of random pairs, whole and on the axes.
    """

    mean: Vectors | None = None
    axes: Vectors | None = None
    inverse_temperature: float = INVERSE_TEMPERATURE
    typical: float = 0.0
    typical_on_axes: float = 0.0

    @classmethod
    def fit(cls, vectors: Vectors, seed: int, centre: bool = True) -> Self:
        """Fit the space of raw `vectors` [n, d], centred or not; few of them only give their typical cosine."""
        if len(vectors) < LEAST_ARTICLES:
            typical = _cosine_spread(vectors, seed)[0] if len(vectors) > 1 else 0.0
            return cls(typical=typical, typical_on_axes=typical)
        mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32) if centre else None
        rng = np.random.default_rng(seed)
        sample = cls(mean).apply(vectors[np.sort(rng.permutation(len(vectors))[:_MOST_FITTED])])
        typical, spread = _cosine_spread(sample, seed)
        _, directions = np.linalg.eigh(sample.T.astype(np.float64) @ sample)
        axes = directions[:, ::-1][:, :_AXES]
        space = cls(mean, axes.astype(np.float32), float(np.clip(1.0 / spread, *_RANGE)), typical)
        return replace(space, typical_on_axes=_cosine_spread(space.on_axes(sample), seed)[0])

    def on_axes(self, vectors: Vectors) -> Vectors:
        """Return vectors [n, d] of this space on its main axes, as unit vectors [n, c]; whole without axes."""
        return vectors if self.axes is None or not vectors.size else _unit(vectors @ self.axes)

    def apply(self, vectors: Vectors) -> Vectors:
        """Return raw vectors [n, d] as unit vectors of this space; a vector that is the mean becomes zero."""
        if self.mean is None or not vectors.size:
            return vectors
        return _unit(vectors - self.mean)

    @cached_property
    def digest(self) -> str:
        """Short hash of the space; empty for raw vectors."""
        return "" if self.mean is None else hashlib.blake2b(self.mean.tobytes(), digest_size=8).hexdigest()

    def agrees_with(self, other: "VectorSpace") -> bool:
        """Return True if models of this space can use vectors of the other: both raw, or of close means."""
        if self.mean is None or other.mean is None:
            return self.mean is other.mean
        if self.mean.shape != other.mean.shape:
            return False
        lengths = float(np.linalg.norm(self.mean) * np.linalg.norm(other.mean))
        return lengths > 0 and float(self.mean @ other.mean) / lengths >= _SAME_MEAN

    def save(self, path: Path) -> None:
        """Write the space as safetensors."""
        numbers = [self.inverse_temperature, self.typical, self.typical_on_axes]
        scalars = np.asarray(numbers, dtype=np.float32)
        arrays = {"scalars": scalars, "mean": self.mean, "axes": self.axes}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}, path)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-6)), dtype=np.float32)


def _cosine_spread(vectors: Vectors, seed: int) -> tuple[float, float]:
    """Return mean and standard deviation of the cosines of random pairs of unit `vectors` [n, d], n ≥ 2."""
    one, other = np.random.default_rng(seed).integers(len(vectors), size=(2, _MOST_PAIRS))
    cosines = np.einsum("nd,nd->n", vectors[one], vectors[other])[one != other]
    return float(cosines.mean()), max(float(cosines.std()), 1e-6)


RAW = VectorSpace()


def load_space(path: Path) -> VectorSpace:
    """Load what `VectorSpace.save` wrote.

    Raises:
        BundleError: the file cannot be read.
    """
    try:
        arrays = load_file(path)
        inverse_temperature, typical, typical_on_axes = arrays["scalars"].tolist()
        return VectorSpace(arrays.get("mean"), arrays.get("axes"), inverse_temperature, typical, typical_on_axes)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"vector space {path} cannot be read: {error}; train a new bundle") from error
