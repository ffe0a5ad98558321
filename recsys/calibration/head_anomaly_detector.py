"""D1: an autoencoder that knows the normal shape of attention, and so finds what is not shaped normally.

It sees one text as L × H × S statistics, standardised by the profile of the text's length, and is scored by how
badly it reproduces them (mean squared error). It finds structural damage (stuffing, punctuation spam). It does not
find wording: words that are merely wrong leave the shape as it was (docs/log.md has the figures).
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
_ENOUGH = 300
"""Held-out texts of a bucket that set a limit of their own: the largest of a few is no 99% quantile."""

Floats = NDArray[np.float64]


class HeadAutoencoder(nn.Module):
    """inputs → 96 → 24 → 96 → inputs."""

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
        """Reconstruction (B, I)."""
        out: torch.Tensor = self.layers(statistics_BI)
        return out


@dataclass(frozen=True, slots=True)
class Structure:
    """How far texts are from normal. score: mean squared error [B]; heads: the same by head [B, L, H]."""

    score: Floats
    heads: Floats


@dataclass(frozen=True, slots=True)
class StructureDetector:
    """A trained autoencoder with its limits.

    limits: score by length bucket above which a text is an anomaly [C]; head_limits: the same by head [L, H];
    false_positives: share of held-out normal texts above their limit.
    """

    profile: Profile
    network: HeadAutoencoder
    limits: Floats
    head_limits: Floats
    false_positives: float

    def measure(self, seen: Observation) -> Structure:
        """Score what was seen of B texts."""
        return _measure(self.profile, self.network, seen)

    def anomalous(self, structure: Structure, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which texts [B], of these lengths in tokens, are above the limit of their length."""
        return structure.score > self.limits[bucket_of(lengths)]


def fit_structure(profile: Profile, normal: Sequence[Observation], config: FitConfig) -> StructureDetector:
    """Train on observations of normal texts; the limits come from those that were not trained on."""
    torch.manual_seed(config.seed)
    standardised = np.concatenate([profile.standardised(seen) for seen in normal])
    lengths = np.concatenate([seen.lengths for seen in normal])
    order = np.random.default_rng(config.seed).permutation(len(lengths))
    held_out, trained = np.split(order, [int(_HELD_OUT * len(order))])
    network = HeadAutoencoder(int(np.prod(standardised.shape[1:])))
    inputs_BI = torch.from_numpy(standardised[trained].reshape(len(trained), -1))
    minimise(
        network,
        len(trained),
        lambda rows: nn.functional.mse_loss(network(inputs_BI[rows]), inputs_BI[rows]),
        config,
    )
    found = _reconstruct(network, standardised[held_out])
    return StructureDetector(
        profile,
        network,
        limits=_limits(found.score, lengths[held_out]),
        head_limits=np.quantile(found.heads, _THRESHOLD, axis=0),
        false_positives=_false_positives(found.score, lengths[held_out]),
    )


def _false_positives(scores: Floats, lengths: NDArray[np.int64]) -> float:
    """Share of texts above limits that others set: each half is judged by the limits of the other."""
    halves = np.array_split(np.arange(len(scores)), 2)
    wrong = [
        scores[judged] > _limits(scores[limiting], lengths[limiting])[bucket_of(lengths[judged])]
        for limiting, judged in (halves, halves[::-1])
    ]
    return float(np.concatenate(wrong).mean())


def _measure(profile: Profile, network: HeadAutoencoder, seen: Observation) -> Structure:
    return _reconstruct(network, profile.standardised(seen))


def _reconstruct(network: HeadAutoencoder, standardised_BLHS: NDArray[np.float32]) -> Structure:
    inputs_BI = torch.from_numpy(standardised_BLHS.reshape(len(standardised_BLHS), -1))
    with torch.inference_mode():
        off = (network(inputs_BI) - inputs_BI).double().numpy().reshape(standardised_BLHS.shape) ** 2
    return Structure(score=off.mean(axis=(1, 2, 3)), heads=off.mean(axis=3))


def _limits(scores: Floats, lengths: NDArray[np.int64]) -> Floats:
    """The 99% limit by bucket; of all lengths where a bucket has too few texts: they are standardised already."""
    bucket = bucket_of(lengths)
    limits = np.full(COUNT, conformal_limit(scores, _THRESHOLD))
    for each in np.unique(bucket):
        own = scores[bucket == each]
        if len(own) >= _ENOUGH:
            limits[each] = conformal_limit(own, _THRESHOLD)
    return limits
