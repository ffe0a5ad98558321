"""Made-up observations: what detectors and profiles take in, without a model."""

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import COHERENCE, HEAD, TOKEN, Observation

LAYERS, HEADS = 2, 3


def normal(texts: int, seed: int, shortest: int = 4, longest: int = 30) -> Observation:
    """Statistics in [0, 1] that share two hidden causes, and tokens that receive about an even share."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, size=texts)
    shape = (LAYERS, HEADS, len(HEAD))
    ways = np.random.default_rng(0).normal(size=(2, *shape))
    heads = 0.5 + 0.05 * np.einsum("bk,klhs->blhs", rng.normal(size=(texts, 2)), ways)
    heads += 0.02 * rng.normal(size=(texts, *shape))
    tokens = rng.gamma(4, 0.25, size=(texts, int(lengths.max()), LAYERS, HEADS, len(TOKEN)))
    tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = 0
    coherence = np.zeros((*tokens.shape[:2], len(COHERENCE)), dtype=np.float32)
    return Observation(np.clip(heads, 0, 1).astype(np.float32), tokens.astype(np.float32), lengths, coherence)


def part(seen: Observation, rows: NDArray[np.integer] | slice) -> Observation:
    """Some of the texts; padding is cut as in a batch of their own."""
    lengths = seen.lengths[rows]
    longest = lengths.max()
    return Observation(seen.heads[rows], seen.tokens[rows, :longest], lengths, seen.coherence[rows, :longest])
