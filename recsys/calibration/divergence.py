"""How far an adjustment moves what tokens receive.

The attention rows themselves are gone by then. Of each head the mass that each token receives is kept, a_j as a
share of all; the gate g and the mix λ turn it into

    a'_j = (1 − λ) · a_j·g_j / Σ_k a_k·g_k + λ / n

over the n tokens that are left, a token that is cut having g = 0. The divergence is KL(a' ‖ a). It stands for that
of the rows, and is exact where all rows of a head are alike.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Plan

_LEAST = 1e-12


def received_kl(seen: Observation, plan: Plan | None) -> NDArray[np.float64]:
    """KL in nats of each text [B], mean over its heads; 0 where nothing is adjusted."""
    out = np.zeros(len(seen))
    if plan is None:
        return out
    received_bTLH = seen.tokens[plan.rows, ..., 0].astype(np.float64)  # 0 at padding
    gate_bT11 = np.where(plan.cut, 0.0, np.exp(plan.log_gate))[:, :, None, None]
    left_bT11 = (seen.real[plan.rows] & ~plan.cut)[:, :, None, None]
    before_bTLH = _shares(received_bTLH)
    mix_b1LH = plan.mix[:, None]
    even_bT11 = left_bT11 / left_bT11.sum(axis=1, keepdims=True)
    after_bTLH = (1 - mix_b1LH) * _shares(before_bTLH * gate_bT11) + mix_b1LH * even_bT11
    ratio_bTLH = np.maximum(after_bTLH, _LEAST) / np.maximum(before_bTLH, _LEAST)
    out[plan.rows] = (after_bTLH * np.log(ratio_bTLH)).sum(axis=1).mean(axis=(1, 2))
    return out


def _shares(mass_bTLH: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(mass_bTLH / np.maximum(mass_bTLH.sum(axis=1, keepdims=True), _LEAST))
