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

from recsys.attention import buckets
from recsys.attention.fitting import FitConfig, minimise
from recsys.attention.observe import Observation
from recsys.attention.profile import ENOUGH, Profile

_WIDE, _NARROW = 96, 24
_THRESHOLD = 0.99
_HELD_OUT = 0.3

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
        return structure.score > self.limits[buckets.bucket_of(lengths)]


def fit_structure(profile: Profile, normal: Sequence[Observation], config: FitConfig) -> StructureDetector:
    """Train on observations of normal texts; the limits come from those that were not trained on.

    Of the held-out texts, half set the limits and the other half tell the false positives.
    """
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
    limiting, judging = np.array_split(held_out, 2)
    structure = _reconstruct(network, standardised[limiting])
    limits = _limits(structure.score, lengths[limiting])
    judged = _reconstruct(network, standardised[judging]).score
    wrong = judged > limits[buckets.bucket_of(lengths[judging])]
    head_limits = np.quantile(structure.heads, _THRESHOLD, axis=0)
    return StructureDetector(profile, network, limits, head_limits, float(wrong.mean()))


def _measure(profile: Profile, network: HeadAutoencoder, seen: Observation) -> Structure:
    return _reconstruct(network, profile.standardised(seen))


def _reconstruct(network: HeadAutoencoder, standardised_BLHS: NDArray[np.float32]) -> Structure:
    inputs_BI = torch.from_numpy(standardised_BLHS.reshape(len(standardised_BLHS), -1))
    with torch.inference_mode():
        off = (network(inputs_BI) - inputs_BI).double().numpy().reshape(standardised_BLHS.shape) ** 2
    return Structure(score=off.mean(axis=(1, 2, 3)), heads=off.mean(axis=3))


def _limits(scores: Floats, lengths: NDArray[np.int64]) -> Floats:
    """The 99% quantile by bucket; of all lengths where a bucket has too few texts."""
    bucket = buckets.bucket_of(lengths)
    limits = np.full(buckets.COUNT, np.quantile(scores, _THRESHOLD))
    for each in np.unique(bucket):
        own = scores[bucket == each]
        if len(own) >= ENOUGH:
            limits[each] = np.quantile(own, _THRESHOLD)
    return limits
