"""Calibrator: inspects attention and plans the adjustment.

*Adaptive*: in a flagged text, the logits of a flagged token are lowered by γ·p_j, and pooling weights it by
e^(−γ·p_j). A token that is almost certainly injected is cut, the limit γ → ∞, and the tokens behind it move up to
their own positions. Texts that are not flagged are not adjusted, even if tokens are flagged: gating every flagged
token costs more on normal texts than it gains (docs/log/).
*Weighted average*: on the heads that D1 flags, A' = (1 − λ)A + λU, λ = clip(κ · excess, 0, 0.3), with the excess
error(head) / limit(head) − 1.
*Fields*: an abstract that contradicts an unsuspicious headline counts less, see `field_weights`.

By default nothing is adjusted: γ = κ = 0, and fields count alike.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.field_weights import FieldWeights
from recsys.calibration.head_anomaly_detector import StructureDetector
from recsys.calibration.normal_profile import Profile, bucket_of
from recsys.calibration.strength import Strength as Strength
from recsys.calibration.token_detector import FLAGGED_CLEAN, TokenDetector, anomaly_score, inner_tokens

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Results of the detectors for B texts.

    score: D1 [B]; anomalous: D1 score above its limit [B]; head_excess: relative excess of each head over its
    limit, 0 below it [B, L, H]; probability: D2 [B, T]; flagged: probability above D2's threshold [B, T];
    flagged_text: text score above D2's limit [B]; over: flagged, and receives more mass than 95% of normal tokens
    [B, T]; under_attended: receives less mass than 95% of normal tokens [B, T]; lengths: [B].
    """

    score: Floats
    anomalous: Bools
    head_excess: Floats
    probability: Floats
    flagged: Bools
    flagged_text: Bools
    over: Bools
    under_attended: Bools
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def words(self) -> NDArray[np.int64]:
        """Return the number of inner tokens of each text [B]."""
        return np.maximum(self.lengths - 2, 0)

    @property
    def gate_probability(self) -> Floats:
        """Return the probability of flagged tokens of flagged texts, 0 for all others [B, T]."""
        return np.where(self.flagged & self.flagged_text[:, None], self.probability, 0.0)

    @property
    def suspicious(self) -> Bools:
        """Return the mask of flagged texts with a flagged token [B]."""
        return np.asarray((self.gate_probability > 0).any(axis=1))

    @property
    def flagged_share(self) -> Floats:
        """Return the share of each text's inner tokens that are flagged [B]."""
        return np.asarray(self.flagged.sum(axis=1) / np.maximum(self.words, 1))


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned adjustment of some texts.

    rows: their rows [b]; log_gate: ≤ 0 [b, T]; mix: [b, L, H]; cut: tokens to leave out [b, T].
    """

    rows: NDArray[np.int64]
    log_gate: Floats
    mix: Floats
    cut: Bools


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Detectors, limits of the field weights, and the strength of the adjustments."""

    structure: StructureDetector
    tokens: TokenDetector
    strength: Strength = field(default_factory=Strength)
    fields: FieldWeights = field(default_factory=FieldWeights)

    @property
    def profile(self) -> Profile:
        """Return the normal profile."""
        return self.structure.profile

    def inspect(self, seen: Observation) -> Inspection:
        """Run both detectors on an observation."""
        structure = self.structure.measure(seen)
        probability = self.tokens.probabilities(seen)
        flagged, inner = probability > self.tokens.threshold, inner_tokens(seen)
        bucket = bucket_of(seen.lengths)[:, None]
        received = seen.received
        return Inspection(
            score=structure.score,
            anomalous=self.structure.anomalous(structure, seen.lengths),
            head_excess=np.maximum(structure.heads / self.structure.head_limits - 1, 0.0),
            probability=probability,
            flagged=flagged,
            flagged_text=anomaly_score(probability, inner) > self.tokens.limit,
            over=flagged & (received > self.profile.received_quantile(0.95)[bucket]),
            under_attended=inner & (received < self.profile.received_quantile(0.05)[bucket]),
            lengths=seen.lengths,
        )

    def plan(self, found: Inspection) -> Plan | None:
        """Return the adjustment for an inspection, None if nothing is to be adjusted."""
        log_gate = -self.strength.gamma * found.gate_probability
        cut = (log_gate < 0) & (found.gate_probability >= self.strength.certain)
        mix = np.clip(self.strength.kappa * found.head_excess, 0.0, self.strength.most_mix)
        mix *= found.anomalous[:, None, None]
        rows = np.flatnonzero((log_gate < 0).any(axis=1) | (mix > 0).any(axis=(1, 2)))
        return Plan(rows, log_gate[rows], mix[rows], cut[rows]) if len(rows) else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibrator in use. digest: of its file; flag_rate: share of flagged words in normal texts."""

    calibrator: Calibrator
    digest: str
    flag_rate: float = FLAGGED_CLEAN

    def name_of(self, encoder: str) -> str:
        """Return the name of the vectors of `encoder` with this calibration.

        The plain name if it is the identity.
        """
        return encoder if self.calibrator.strength.identity else f"{encoder}+{self.digest}"
