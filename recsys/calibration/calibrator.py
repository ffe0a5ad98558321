"""From what was seen of texts to what is done about it.

*Adaptive*: in a suspect text, the logits of a flagged token are lowered by γ·p_j, and it counts e^(−γ·p_j) when
tokens are pooled. A token that is as good as certainly injected is cut: the limit γ → ∞, in which the tokens
behind it move up to their own positions as well. A text that is not suspect stays as it is, flagged tokens or not:
gating every flagged token costs more on normal texts than it wins back (docs/log.md).
*Weighted average*: on the heads that D1 finds off, A' = (1 − λ)A + λU, λ = clip(κ · excess, 0, 0.3), the excess
being the head's error over its limit, less one.

With γ = κ = 0, as shipped, nothing is ever adjusted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.head_anomaly_detector import StructureDetector
from recsys.calibration.normal_profile import Profile, bucket_of
from recsys.calibration.token_detector import FLAGGED_CLEAN, TokenDetector, anomaly_score, inner_tokens

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How much is adjusted.

    gamma: of flagged tokens; certain: the probability from which a token is cut instead; kappa, most_mix: of heads
    that are off.
    """

    gamma: float = 0.0
    certain: float = 0.9
    kappa: float = 0.0
    most_mix: float = 0.3

    @property
    def identity(self) -> bool:
        """Whether nothing is ever adjusted."""
        return self.gamma == 0.0 and self.kappa == 0.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the detectors say of B texts.

    score: D1 [B]; anomalous: above D1's limit [B]; head_excess: how far each head is above its limit, 0 if it is
    not [B, L, H]; probability: D2 [B, T]; flagged: above D2's threshold [B, T]; suspect: with more evidence
    against them than D2 allows a normal text [B]; over: flagged, and receiving more than 95% of normal tokens do
    [B, T]; starved: receiving less than 95% do [B, T]; lengths: [B].
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
        """How many inner tokens each text has [B]."""
        return np.maximum(self.lengths - 2, 0)

    @property
    def gate_probability(self) -> Floats:
        """The probability of flagged tokens of suspect texts, 0 for all others [B, T]."""
        return np.where(self.flagged & self.flagged_text[:, None], self.probability, 0.0)

    @property
    def flagged_share(self) -> Floats:
        """Share of each text's inner tokens that are flagged [B]."""
        return np.asarray(self.flagged.sum(axis=1) / np.maximum(self.words, 1))


@dataclass(frozen=True, slots=True)
class Plan:
    """An adjustment of some texts.

    rows: which [b]; log_gate: ≤ 0 [b, T]; mix: [b, L, H]; cut: tokens to leave out [b, T].
    """

    rows: NDArray[np.int64]
    log_gate: Floats
    mix: Floats
    cut: Bools


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Detectors and the strength of the adjustments."""

    structure: StructureDetector
    tokens: TokenDetector
    strength: Strength = Strength()

    @property
    def profile(self) -> Profile:
        """The normal profile."""
        return self.structure.profile

    def inspect(self, seen: Observation) -> Inspection:
        """Judge what was seen."""
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
        """What to do about it; None if nothing."""
        log_gate = -self.strength.gamma * found.gate_probability
        cut = (log_gate < 0) & (found.gate_probability >= self.strength.certain)
        mix = np.clip(self.strength.kappa * found.head_excess, 0.0, self.strength.most_mix)
        mix *= found.anomalous[:, None, None]
        rows = np.flatnonzero((log_gate < 0).any(axis=1) | (mix > 0).any(axis=(1, 2)))
        return Plan(rows, log_gate[rows], mix[rows], cut[rows]) if len(rows) else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrator for use. digest: of its file; flag_rate: share of the words of normal texts that it flags."""

    calibrator: Calibrator
    digest: str
    flag_rate: float = FLAGGED_CLEAN

    def name_of(self, encoder: str) -> str:
        """Name of the vectors that `encoder` gives with it; the plain one as long as nothing is adjusted."""
        return encoder if self.calibrator.strength.identity else f"{encoder}+{self.digest}"
