"""Compared encodings of damaged texts: none, each adjustment, and controls.

off       the raw encoder
heads     D1's weighted average on anomalous heads
tokens    D2's gate: the tokens of flagged texts are cut or lowered
all       both
random    the same on as many random tokens: does the choice of tokens matter?
drop      every flagged token cut, even in texts that are not flagged: is the gate better?
oracle    the injected tokens cut: the gain of a perfect detector
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Calibrator, Inspection, Strength
from recsys.calibration.token_detector import inner_tokens
from recsys.encoder.protocols import TokenEncoder, Vectors
from recsys.encoder.token_batches import adjusted, batches
from recsys.training.calibration.title_corruption import DamagedTexts

OFF, HEADS, TOKENS, ALL, RANDOM, DROP, ORACLE = "off", "heads", "tokens", "all", "random", "drop", "oracle"
ARMS = (OFF, HEADS, TOKENS, ALL, RANDOM, DROP, ORACLE)

GAMMA, KAPPA = 2.0, 0.1
STRENGTHS: Mapping[str, Strength] = {
    TOKENS: Strength(gamma=GAMMA),
    HEADS: Strength(kappa=KAPPA),
    ALL: Strength(gamma=GAMMA, kappa=KAPPA),
}
"""Arms that a bundle may use, so that the published strength is the evaluated one."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Batch of texts with the input of all arms; inner: words [B, T]; truth: injected tokens [B, T]."""

    tokens: Sequence[list[int]]
    raw: Vectors
    found: Inspection
    inner: NDArray[np.bool_]
    truth: NDArray[np.bool_]


def encode_by_arm(
    encoder: TokenEncoder, calibrator: Calibrator, texts: DamagedTexts, seed: int, arms: Sequence[str] = ARMS
) -> Mapping[str, Vectors]:
    """Encode `texts` as unit vectors [n, d], for each of `arms`."""
    rng = np.random.default_rng(seed)
    out = {arm: np.zeros((len(texts.tokens), encoder.dim), dtype=np.float32) for arm in arms}
    for rows in batches(texts.tokens):
        tokens = [texts.tokens[row] for row in rows]
        raw, seen = encoder.observe_tokens(tokens, context=texts.context_of(rows))
        batch = _Batch(tokens, raw, calibrator.inspect(seen), inner_tokens(seen), texts.grid(rows))
        for arm in arms:
            out[arm][rows] = _ENCODERS[arm](encoder, calibrator, batch, rng)
    return out


def suspicious_headlines(by_arm: Mapping[str, Vectors]) -> NDArray[np.bool_]:
    """Return the mask [n] of suspicious headlines: exactly those that the gate on tokens changes."""
    return np.asarray((by_arm[TOKENS] != by_arm[OFF]).any(axis=1))


_ArmEncoder = Callable[[TokenEncoder, Calibrator, _Batch, np.random.Generator], Vectors]


def _adjusting(strength: Strength) -> _ArmEncoder:
    def encode(encoder: TokenEncoder, calibrator: Calibrator, batch: _Batch, _: np.random.Generator) -> Vectors:
        return adjusted(encoder, batch.tokens, batch.raw, replace(calibrator, strength=strength).plan(batch.found))

    return encode


def _random(encoder: TokenEncoder, calibrator: Calibrator, batch: _Batch, rng: np.random.Generator) -> Vectors:
    """Scatter the gate's flagged tokens over the words of the batch."""
    found, positions = batch.found, np.flatnonzero(batch.inner)
    probability = np.zeros(found.probability.size)
    probability[rng.permutation(positions)] = found.flagged.reshape(-1)[positions]
    return _cut_or_lowered(encoder, calibrator, batch, probability.reshape(found.probability.shape))


def _drop(encoder: TokenEncoder, calibrator: Calibrator, batch: _Batch, _: np.random.Generator) -> Vectors:
    return _cut_or_lowered(encoder, calibrator, batch, batch.found.flagged.astype(np.float64))


def _oracle(encoder: TokenEncoder, calibrator: Calibrator, batch: _Batch, _: np.random.Generator) -> Vectors:
    return _cut_or_lowered(encoder, calibrator, batch, batch.truth.astype(np.float64))


def _cut_or_lowered(
    encoder: TokenEncoder, calibrator: Calibrator, batch: _Batch, probability: NDArray[np.float64]
) -> Vectors:
    """Apply the gate to tokens [B, T] that were injected with `probability`."""
    flagged = probability > 0
    found = replace(
        batch.found, flagged=flagged, probability=probability, flagged_text=np.asarray(flagged.any(axis=1))
    )
    plan = replace(calibrator, strength=STRENGTHS[TOKENS]).plan(found)
    return adjusted(encoder, batch.tokens, batch.raw, plan)


_ENCODERS: Mapping[str, _ArmEncoder] = {
    OFF: lambda _, __, batch, ___: batch.raw,
    **{arm: _adjusting(strength) for arm, strength in STRENGTHS.items()},
    RANDOM: _random,
    DROP: _drop,
    ORACLE: _oracle,
}
