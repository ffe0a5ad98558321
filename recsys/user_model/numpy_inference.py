"""Inference of the trained preference network in numpy, so that requests need no torch.

It computes the same numbers as `PreferenceNetwork` up to rounding (a test compares them), in half the time for one
history, and saves a serving process the import and memory of torch.

Shapes: M masked variants of one history (a read left out, or its dwell hidden; M = 1 for the history itself),
H reads, N candidates, D article vector, P projected, K interests.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.user_model.dwell_quantiles import dwell_prior, filled
from recsys.user_model.matcher import ReadHistory
from recsys.user_model.network_weights import NEWEST_FIRST, PreferenceWeights

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LAYER_NORM_EPSILON = np.float32(1e-5)
_NORM_EPSILON = np.float32(1e-12)


@dataclass(frozen=True, slots=True)
class MaskedHistories:
    """M masked variants of one history.

    present: reads left in (M, H); quantile: of dwell, NaN where unknown (M, H); noise: as in `ReadHistory`.
    """

    present: Mask
    quantile: Floats
    noise: float


@dataclass(frozen=True, slots=True)
class Interests:
    """Interests of M histories.

    vectors: unit vectors (M, K, P); log_shares: log of the weight of each (M, K).
    """

    vectors: Floats
    log_shares: Floats


class NumpyNetwork:
    """Preference network for inference. See `PreferenceNetwork` for the steps and the reasons."""

    def __init__(self, weights: PreferenceWeights) -> None:
        self.config = weights.config
        self._weights = weights.arrays

    def project(self, vectors_ND: Floats) -> Floats:
        """Project article vectors into the space of interests (N, P)."""
        return vectors_ND @ self._weights["project.weight"].T

    def directions(self, candidates_ND: Floats) -> Floats:
        """Return unit vectors (N, P) of candidates in the space of interests."""
        return _unit(self.project(candidates_ND))

    def circumstance(self, reads: ReadHistory) -> Floats:
        """Return the embedding (H, P) of dwell and age of each read."""
        known_H = ~np.isnan(reads.seconds)
        features_H3 = np.stack([np.nan_to_num(reads.seconds), known_H, reads.age], axis=-1).astype(np.float32)
        features_H3[:, ::2] = np.log1p(features_H3[:, ::2]) / np.float32(5.0)
        return self._linear("circumstance", features_H3)

    def hidden(self, known_HP: Floats, present_MH: Mask) -> Floats:
        """Apply self-attention to the reads: (M, H, P). `known_HP` may also be one per variant (M, H, P)."""
        query, key, value = (
            self._heads(part) for part in np.split(self._linear("attend.in_proj", known_HP, "_"), 3, axis=-1)
        )
        logits = query @ key.swapaxes(-1, -2) / np.float32(math.sqrt(query.shape[-1]))
        masked_MhHH = np.where(present_MH[:, None, None, :], logits, np.float32(-np.inf))
        mixed_MHhd = (_softmax(masked_MhHH, axis=-1) @ value).swapaxes(-2, -3)
        mixed_MHP = mixed_MHhd.reshape(*mixed_MHhd.shape[:-2], self.config.projected)
        return self._norm(known_HP + self._linear("attend.out_proj", mixed_MHP))

    def alpha(self, hidden_MHP: Floats, routes_MHK: Floats, masked: MaskedHistories) -> Floats:
        """Return calibrated attention (M, K, H); it sums to 1 over the present reads."""
        logits_MHK = np.tanh(self._linear("additive", hidden_MHP)) @ self._weights["query.weight"].T
        logits_MHK += routes_MHK
        logits_MHK /= np.float32(self.config.temperature)
        if self.config.dwell_weight:
            prior_MH = dwell_prior(masked.quantile, masked.noise)
            logits_MHK += np.float32(self.config.dwell_weight) * prior_MH[..., None]
        present_MH1 = masked.present[..., None]
        alpha_MHK = _softmax(np.where(present_MH1, logits_MHK, np.float32(-np.inf)), axis=1)
        alpha_MKH = alpha_MHK.swapaxes(1, 2)
        return alpha_MKH if self.config.keep >= 1.0 else self._keep_largest(alpha_MKH, masked)

    def pooled(self, values_HP: Floats, hidden_MHP: Floats) -> Floats:
        """Return the vectors that interests average (M, H, P)."""
        return values_HP + self._weights["residual"] * hidden_MHP

    def interests(self, alpha_MKH: Floats, pooled_MHP: Floats, routes_MHK: Floats, present_MH: Mask) -> Interests:
        """Return the interests: means of the reads, weighted by attention, and their weights."""
        return Interests(_unit(alpha_MKH @ pooled_MHP), self._log_shares(routes_MHK, present_MH))

    def cosines(self, vectors_MKP: Floats, directions_NP: Floats) -> Floats:
        """Return scaled cosines (M, K, N) of candidates with each interest."""
        return vectors_MKP @ directions_NP.T * np.exp(self._weights["log_scale"])

    def logits(self, interests: Interests, directions_NP: Floats) -> Floats:
        """Return scores (M, N): log-mean-exp over interests, so that one fitting interest suffices."""
        cosines_MKN = self.cosines(interests.vectors, directions_NP) + interests.log_shares[..., None]
        max_M1N = cosines_MKN.max(axis=1, keepdims=True)
        total_MN = np.exp(cosines_MKN - max_M1N).sum(axis=1)
        return np.asarray(max_M1N[:, 0] + np.log(total_MN))

    def importance(self, hidden_MHP: Floats) -> Floats:
        """Return log-odds (M, H) that each read was important."""
        return self._linear("important.2", np.tanh(self._linear("important.0", hidden_MHP)))[..., 0]

    def with_evidence(self, logits_N: NDArray[np.float64], evidence_NE: Floats) -> NDArray[np.float64]:
        """Return the scores (N): own logits and evidence, weighted."""
        own, *others = self._weights["evidence"].astype(np.float64)
        return np.asarray(own * logits_N + evidence_NE @ np.asarray(others))

    def routes(self, values_HP: Floats, present_MH: Mask) -> Floats:
        """Return the log of the share of each read that belongs to each interest (M, H, K); 0 for the first."""
        if self.config.interests == 1:
            return np.zeros((*present_MH.shape, 1), dtype=np.float32)
        directions_HP = _unit(values_HP)
        cosines_HH = directions_HP @ directions_HP.T
        centres_MC = _centres(cosines_HH, present_MH, self.config.interests - 1)
        scaled_MHC = np.exp(self._weights["log_route"]) * cosines_HH[centres_MC].swapaxes(1, 2)
        largest_MH1 = scaled_MHC.max(axis=2, keepdims=True)
        total_MH1 = np.exp(scaled_MHC - largest_MH1).sum(axis=2, keepdims=True)
        return np.pad(scaled_MHC - largest_MH1 - np.log(total_MH1), ((0, 0), (0, 0), (1, 0)))

    def _log_shares(self, routes_MHK: Floats, present_MH: Mask) -> Floats:
        """Return the log of the weight of each interest (M, K); the weights sum to 1."""
        if self.config.interests == 1:
            return np.zeros((len(routes_MHK), 1), dtype=np.float32)
        share_MHC = np.exp(routes_MHK[..., 1:]) * present_MH[..., None]
        counts_M1 = present_MH.sum(axis=1, keepdims=True).astype(np.float32)
        whole = self._weights["whole"]
        log_whole = -np.logaddexp(np.float32(0.0), -whole)
        log_share_MC = np.log(share_MHC.sum(axis=1) / counts_M1) + log_whole - whole
        return np.concatenate([np.full((len(routes_MHK), 1), log_whole), log_share_MC], axis=1)

    def _linear(self, name: str, values: Floats, separator: str = ".") -> Floats:
        return values @ self._weights[f"{name}{separator}weight"].T + self._weights[f"{name}{separator}bias"]

    def _heads(self, values_HP: Floats) -> Floats:
        """Split the last axis into heads: (…, heads, H, d)."""
        heads, width = self.config.heads, self.config.projected // self.config.heads
        return values_HP.reshape(*values_HP.shape[:-1], heads, width).swapaxes(-2, -3)

    def _norm(self, values: Floats) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _LAYER_NORM_EPSILON)
        return np.asarray(centred / spread * self._weights["norm.weight"] + self._weights["norm.bias"])

    def _keep_largest(self, alpha_MKH: Floats, masked: MaskedHistories) -> Floats:
        """Keep the reads with the largest α × q: see `PreferenceNetwork`."""
        weight_MH = np.where(masked.present, alpha_MKH.mean(axis=1) * filled(masked.quantile), np.float32(-1.0))
        share = np.float32(self.config.keep) * masked.present.sum(axis=1).astype(np.float32)
        count_M = np.maximum(np.ceil(share).astype(np.int64), 1)
        threshold_M = -np.sort(-weight_MH, axis=1)[np.arange(len(weight_MH)), count_M - 1]
        untimed_M1 = np.isnan(masked.quantile).all(axis=1, keepdims=True)
        mask_MH = np.logical_or(weight_MH >= threshold_M[:, None], untimed_M1)
        filtered_MKH = alpha_MKH * mask_MH[:, None]
        return np.asarray(filtered_MKH / filtered_MKH.sum(axis=2, keepdims=True))


def _centres(cosines_HH: Floats, present_MH: Mask, count: int) -> NDArray[np.intp]:
    """Return the centres (M, K) of interests: see `preference_network`."""
    length = present_MH.shape[1]
    newest_H = np.float32(NEWEST_FIRST) * np.arange(length, dtype=np.float32) / np.float32(length)
    covered_MH = np.full(present_MH.shape, -1.0, dtype=np.float32)
    chosen = []
    for _ in range(count):
        better_MHH = np.maximum(covered_MH[:, None], cosines_HH) * present_MH[:, None]
        gain_MH = np.where(present_MH, better_MHH.sum(axis=2) + newest_H, -np.inf)
        chosen.append(gain_MH.argmax(axis=1))
        covered_MH = np.maximum(covered_MH, cosines_HH[chosen[-1]])
    return np.stack(chosen, axis=1)


def _softmax(logits: Floats, axis: int) -> Floats:
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=axis, keepdims=True))


def _unit(vectors: Floats) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), _NORM_EPSILON)
    return np.asarray(vectors / lengths)
