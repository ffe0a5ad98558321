"""The trained preference network on one history, in numpy: a request needs no torch.

`network.PreferenceNetwork` is what is trained; this gives the same numbers to rounding (a test holds the two
together), takes half the time for one history, and spares a serving process the import and the memory of torch.

Shapes: M ways to see one history (with a read left out, or its dwell withheld; 1 for the history as it is),
H reads, N candidates, D article vector, P projected, K interests.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.dwell_quantiles import dwell_prior, filled
from recsys.user_model.matcher import ReadHistory
from recsys.user_model.network_weights import PreferenceWeights

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LAYER_NORM_EPSILON = np.float32(1e-5)
_NORM_EPSILON = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class MaskedHistories:
    """A history in M ways. there: which reads are (M, H); quantile: of their dwell, NaN where unknown (M, H)."""

    there: Mask
    quantile: Floats
    noise: float


class NumpyNetwork:
    """Weights, ready to run. See `PreferenceNetwork` for what the steps are and why."""

    def __init__(self, weights: PreferenceWeights) -> None:
        self.config = weights.config
        self._of = weights.arrays

    def project(self, vectors_ND: Floats) -> Floats:
        """Article vectors in the space of interests (N, P)."""
        return vectors_ND @ self._of["project.weight"].T

    def directions(self, candidates_ND: Floats) -> Floats:
        """Unit vectors (N, P) of candidates, to be compared with interests."""
        return _unit(self.project(candidates_ND))

    def circumstance(self, reads: ReadHistory) -> Floats:
        """What is known of `reads` beside their articles (H, P)."""
        known_H = ~np.isnan(reads.seconds)
        told_H3 = np.stack([np.nan_to_num(reads.seconds), known_H, reads.age], axis=-1).astype(np.float32)
        told_H3[:, ::2] = np.log1p(told_H3[:, ::2]) / np.float32(5.0)
        return self._linear("circumstance", told_H3)

    def hidden(self, known_HP: Floats, there_MH: Mask) -> Floats:
        """Reads in the light of each other (M, H, P); `known_HP`, or one for each way (M, H, P)."""
        query, key, value = (
            self._heads(part) for part in np.split(self._linear("attend.in_proj", known_HP, "_"), 3, axis=-1)
        )
        logits = query @ key.swapaxes(-1, -2) / np.float32(math.sqrt(query.shape[-1]))
        masked_MhHH = np.where(there_MH[:, None, None, :], logits, np.float32(-np.inf))
        mixed_MHhd = (_softmax(masked_MhHH, axis=-1) @ value).swapaxes(-2, -3)
        mixed_MHP = mixed_MHhd.reshape(*mixed_MHhd.shape[:-2], self.config.projected)
        return self._norm(known_HP + self._linear("attend.out_proj", mixed_MHP))

    def alpha(self, hidden_MHP: Floats, ways: MaskedHistories) -> Floats:
        """Calibrated attention (M, K, H): sums to 1 over the reads that are there."""
        logits_MHK = np.tanh(self._linear("additive", hidden_MHP)) @ self._of["query.weight"].T
        logits_MHK /= np.float32(self.config.temperature)
        if self.config.dwell_weight:
            prior_MH = dwell_prior(ways.quantile, ways.noise)
            logits_MHK += np.float32(self.config.dwell_weight) * prior_MH[..., None]
        there_MH1 = ways.there[..., None]
        alpha_MHK = _softmax(np.where(there_MH1, logits_MHK, np.float32(-np.inf)), axis=1)
        alpha_MKH = alpha_MHK.swapaxes(1, 2)
        return alpha_MKH if self.config.keep >= 1.0 else self._kept(alpha_MKH, ways)

    def pooled(self, values_HP: Floats, hidden_MHP: Floats) -> Floats:
        """Reads as interests are made of them (M, H, P)."""
        return values_HP + self._of["residual"] * hidden_MHP

    def interests(self, alpha_MKH: Floats, pooled_MHP: Floats) -> Floats:
        """Unit interest vectors (M, K, P): reads as each interest weighs them."""
        return _unit(alpha_MKH @ pooled_MHP)

    def cosines(self, interests_MKP: Floats, directions_NP: Floats) -> Floats:
        """Scaled cosines (M, K, N) of candidates with each interest."""
        return interests_MKP @ directions_NP.T * np.exp(self._of["log_scale"])

    def logits(self, interests_MKP: Floats, directions_NP: Floats) -> Floats:
        """Scores (M, N): one interest that fits is enough."""
        cosines_MKN = self.cosines(interests_MKP, directions_NP)
        most_M1N = cosines_MKN.max(axis=1, keepdims=True)
        total_MN = np.exp(cosines_MKN - most_M1N).sum(axis=1)
        return np.asarray(most_M1N[:, 0] + np.log(total_MN) - np.float32(math.log(self.config.interests)))

    def importance(self, hidden_MHP: Floats) -> Floats:
        """Log-odds (M, H) that each read was important."""
        return self._linear("important.2", np.tanh(self._linear("important.0", hidden_MHP)))[..., 0]

    def _linear(self, name: str, values: Floats, joint: str = ".") -> Floats:
        return values @ self._of[f"{name}{joint}weight"].T + self._of[f"{name}{joint}bias"]

    def _heads(self, values_HP: Floats) -> Floats:
        """(…, heads, H, d)."""
        heads, width = self.config.heads, self.config.projected // self.config.heads
        return values_HP.reshape(*values_HP.shape[:-1], heads, width).swapaxes(-2, -3)

    def _norm(self, values: Floats) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _LAYER_NORM_EPSILON)
        return np.asarray(centred / spread * self._of["norm.weight"] + self._of["norm.bias"])

    def _kept(self, alpha_MKH: Floats, ways: MaskedHistories) -> Floats:
        """See `PreferenceNetwork._kept`."""
        weight_MH = np.where(ways.there, alpha_MKH.mean(axis=1) * filled(ways.quantile), np.float32(-1.0))
        share = np.float32(self.config.keep) * ways.there.sum(axis=1).astype(np.float32)
        kept_M = np.maximum(np.ceil(share).astype(np.int64), 1)
        least_M = -np.sort(-weight_MH, axis=1)[np.arange(len(weight_MH)), kept_M - 1]
        untimed_M1 = np.isnan(ways.quantile).all(axis=1, keepdims=True)
        kept_MH = np.logical_or(weight_MH >= least_M[:, None], untimed_M1)
        filtered_MKH = alpha_MKH * kept_MH[:, None]
        return np.asarray(filtered_MKH / filtered_MKH.sum(axis=2, keepdims=True))


def _softmax(logits: Floats, axis: int) -> Floats:
    raised = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True))


def _unit(vectors: Floats) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _NORM_EPSILON)
    return np.asarray(vectors / lengths)
