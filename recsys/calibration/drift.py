"""Drift of attention (PSI against the normal profile), and its divergence through an adjustment (KL).

The population stability index (PSI) compares every head's entropy with the normal profile:

    PSI = Σ_g (a_g − e_g) · ln(a_g / e_g)      a: share of the texts in group g now, e: the normal one

Up to 0.1 is usually called stable, above 0.25 shifted (Siddiqi, Credit Risk Scorecards, 2006). The groups are
tenths of the normal texts, cut at the bins of the profile's histogram; a heavy bin stays one group. The normal
shares follow the lengths of the current texts, where training had `LEAST` texts of that length, so that a day of
shorter titles is not drift.

The divergence KL(a' ‖ a) compares the mass that each token receives in a head, as shares a_j, before and after an
adjustment with gate g and mix λ:

    a'_j = (1 − λ) · a_j·g_j / Σ_k a_k·g_k + λ / n

over the n tokens that are left; a token that is cut has g = 0. It approximates the divergence of the attention
rows, which are not stored, and is exact where all rows of a head are equal.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import HEAD, Observation
from recsys.calibration.calibrator import Plan
from recsys.calibration.normal_profile import COUNT, Profile, bucket_of, counted

GROUPS = 10

LEAST = 200
"""Smallest number of texts on either side. By chance, PSI is about (GROUPS − 1) · (1 / now + 1 / normal)."""

FLOOR = 1e-3
"""Smallest share, so that an empty group gives a finite PSI."""

ENTROPY = HEAD.index("entropy")

_EPSILON = 1e-12

Floats = NDArray[np.float64]


def entropy_psi(profile: Profile, entropy_NLH: NDArray[np.float32], lengths: NDArray[np.int64]) -> Floats | None:
    """Return the PSI [L, H] of the entropies of N texts with these lengths in tokens [N]; None if too few."""
    if len(lengths) < LEAST or profile.texts < LEAST:
        return None
    expected_LHB = _expected(profile, lengths)
    actual_LHB = counted(entropy_NLH[..., None])[:, :, 0] / len(lengths)
    below_LHB = np.cumsum(expected_LHB, axis=-1) - expected_LHB
    # a bin belongs to the tenth in which it begins; 1e-9 corrects sums that miss a tenth by rounding
    groups_LHB = np.minimum((below_LHB * GROUPS + 1e-9).astype(np.int64), GROUPS - 1)
    members_LHBG = groups_LHB[..., None] == np.arange(GROUPS)
    expected, actual = (
        np.maximum(np.einsum("lhb,lhbg->lhg", shares, members_LHBG), FLOOR)
        for shares in (expected_LHB, actual_LHB)
    )
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))


def _expected(profile: Profile, lengths: NDArray[np.int64]) -> Floats:
    """Return normal shares [L, H, BINS] for texts of these lengths; a bucket with few texts uses all lengths."""
    histogram_CLHB = profile.histogram[:, :, :, ENTROPY].astype(np.float64)
    whole_LHB = histogram_CLHB.sum(axis=0) / profile.texts
    own = (profile.count >= LEAST)[:, None, None, None]
    shares_CLHB = np.where(own, histogram_CLHB / np.maximum(profile.count, 1)[:, None, None, None], whole_LHB)
    texts_C = np.bincount(bucket_of(lengths), minlength=COUNT) / len(lengths)
    return np.asarray(np.einsum("c,clhb->lhb", texts_C, shares_CLHB))


def received_kl(seen: Observation, plan: Plan | None) -> NDArray[np.float64]:
    """Return the KL of each text [B] in nats, mean over its heads; 0 where nothing is adjusted."""
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
    ratio_bTLH = np.maximum(after_bTLH, _EPSILON) / np.maximum(before_bTLH, _EPSILON)
    out[plan.rows] = (after_bTLH * np.log(ratio_bTLH)).sum(axis=1).mean(axis=(1, 2))
    return out


def _shares(mass_bTLH: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(mass_bTLH / np.maximum(mass_bTLH.sum(axis=1, keepdims=True), _EPSILON))
