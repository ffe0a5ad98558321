"""Encoding under a calibrator: every text is watched, and those it objects to are encoded again, adjusted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.attention.calibrator import Calibrator, Inspection
from recsys.attention.observe import Observation
from recsys.encoder.bert import TextEncoder


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A batch of n texts. raw, vectors: unit vectors before and after [n, dim]; adjusted: which differ [n]."""

    rows: NDArray[np.int64]
    raw: NDArray[np.float32]
    vectors: NDArray[np.float32]
    adjusted: NDArray[np.bool_]
    seen: Observation
    found: Inspection


def calibrate_batch(encoder: TextEncoder, calibrator: Calibrator, tokens: Sequence[list[int]]) -> Calibrated:
    """Encode one batch of tokenised texts, and again what the calibrator has a plan for.

    Raises:
        EncoderError: a vector is not finite.
    """
    raw, seen = encoder.observe_tokens(tokens)
    found = calibrator.inspect(seen)
    plan = calibrator.plan(found)
    vectors, adjusted = raw, np.zeros(len(tokens), dtype=np.bool_)
    if plan is not None:
        vectors, adjusted[plan.rows] = raw.copy(), True
        vectors[plan.rows] = encoder.encode_tokens([tokens[row] for row in plan.rows], plan)
    return Calibrated(np.arange(len(tokens)), raw, vectors, adjusted, seen, found)
