"""D1: an autoencoder of the normal attention pattern; a large reconstruction error is an anomaly.

Its input is one text as L × H × S statistics, standardised by the profile of the text's length; its score is the
mean squared error. It finds structural damage (stuffing, punctuation spam), but not wrong words, which leave the
pattern as it is (figures in docs/log/).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.normal_profile import COUNT, Profile, bucket_of
from recsys.calibration.training_loop import FitConfig, conformal_limit, minimise

_WIDE, _NARROW = 96, 24
_THRESHOLD = 0.99
_HELD_OUT = 0.3
_MIN_TEXTS = 300
"""Held-out texts that a bucket needs for its own limit: a few texts give no 99% quantile."""

Floats = NDArray[np.float64]


class HeadAutoencoder(nn.Module):
    """Autoencoder: inputs → 96 → 24 → 96 → inputs."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, _WIDE),
            nn.GELU(),
            nn.Linear(_WIDE, _NARROW),
            nn.GELU(),
            nn.Linear(_NARROW, _WIDE),
            nn.GELU(),
            nn.Linear(_WIDE, inputs),
        )

    def forward(self, statistics_BI: torch.Tensor) -> torch.Tensor:
        """Return the reconstruction (B, I)."""
        out: torch.Tensor = self.layers(statistics_BI)
        return out


@dataclass(frozen=True, slots=True)
class Structure:
    """Reconstruction errors. score: mean squared error [B]; heads: the same by head [B, L, H]."""

    score: Floats
    heads: Floats


@dataclass(frozen=True, slots=True)
class StructureDetector:
    """Trained autoencoder with its limits.

    limits: score by length bucket above which a text is an anomaly [C]; head_limits: the same by head [L, H];
    false_positives: share of held-out normal texts above their limit.
    """

    profile: Profile
    network: HeadAutoencoder
    limits: Floats
    head_limits: Floats
    false_positives: float

    def measure(self, seen: Observation) -> Structure:
        """Return the reconstruction errors of B texts."""
        return _measure(self.profile, self.network, seen)

    def anomalous(self, structure: Structure, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the mask [B] of texts above the limit of their length in tokens."""
        return structure.score > self.limits[bucket_of(lengths)]


def fit_structure(profile: Profile, normal: Sequence[Observation], config: FitConfig) -> StructureDetector:
    """Train on observations of normal texts; set the limits on held-out ones."""
    torch.manual_seed(config.seed)
    standardised = np.concatenate([profile.standardised(seen) for seen in normal])
    lengths = np.concatenate([seen.lengths for seen in normal])
    order = np.random.default_rng(config.seed).permutation(len(lengths))
    held_out, training = np.split(order, [int(_HELD_OUT * len(order))])
    network = HeadAutoencoder(int(np.prod(standardised.shape[1:])))
    inputs_BI = torch.from_numpy(standardised[training].reshape(len(training), -1))
    minimise(
        network,
        len(training),
        lambda rows: nn.functional.mse_loss(network(inputs_BI[rows]), inputs_BI[rows]),
        config,
    )
    errors = _reconstruct(network, standardised[held_out])
    return StructureDetector(
        profile,
        network,
        limits=_limits(errors.score, lengths[held_out]),
        head_limits=np.quantile(errors.heads, _THRESHOLD, axis=0),
        false_positives=_false_positives(errors.score, lengths[held_out]),
    )


def _false_positives(scores: Floats, lengths: NDArray[np.int64]) -> float:
    """Return the share of texts above limits from other texts.

    Each half is tested with the limits of the other.
    """
    halves = np.array_split(np.arange(len(scores)), 2)
    above_limit = [
        scores[tested] > _limits(scores[limiting], lengths[limiting])[bucket_of(lengths[tested])]
        for limiting, tested in (halves, halves[::-1])
    ]
    return float(np.concatenate(above_limit).mean())


def _measure(profile: Profile, network: HeadAutoencoder, seen: Observation) -> Structure:
    return _reconstruct(network, profile.standardised(seen))


def _reconstruct(network: HeadAutoencoder, standardised_BLHS: NDArray[np.float32]) -> Structure:
    inputs_BI = torch.from_numpy(standardised_BLHS.reshape(len(standardised_BLHS), -1))
    with torch.inference_mode():
        errors = (network(inputs_BI) - inputs_BI).double().numpy().reshape(standardised_BLHS.shape) ** 2
    return Structure(score=errors.mean(axis=(1, 2, 3)), heads=errors.mean(axis=3))


def _limits(scores: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Return the 99% limit by bucket; a bucket with few texts uses the limit of all lengths."""
    bucket = bucket_of(lengths)
    limits = np.full(COUNT, conformal_limit(scores, _THRESHOLD))
    for each in np.unique(bucket):
        own = scores[bucket == each]
        if len(own) >= _MIN_TEXTS:
            limits[each] = conformal_limit(own, _THRESHOLD)
    return limits
