"""Many texts → vectors, fast: sorted by length, so that batches carry little padding."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.protocols import TokenEncoder, Vectors

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Plan

TOKENS_PER_BATCH = 4_096
"""Batches are as many texts as fit this many padded tokens: short texts go many at a time."""


def encode(encoder: TokenEncoder, texts: Sequence[str]) -> Vectors:
    """Unit vectors [n, dim], in the order of `texts`."""
    return encode_all(encoder, encoder.tokenize(texts) if texts else [])


def encode_all(encoder: TokenEncoder, tokens: Sequence[list[int]]) -> Vectors:
    """Unit vectors [n, dim] of tokenised texts, in their order."""
    vectors = np.zeros((len(tokens), encoder.dim), dtype=np.float32)
    for rows in batches(tokens):
        vectors[rows] = encoder.encode_tokens([tokens[row] for row in rows])
    return vectors


def adjusted(encoder: TokenEncoder, tokens: Sequence[list[int]], raw: Vectors, plan: "Plan | None") -> Vectors:
    """Unit vectors [n, dim] of one batch: `raw`, but for the texts that `plan` has read again."""
    if plan is None:
        return raw
    vectors = raw.copy()
    vectors[plan.rows] = encoder.encode_tokens([tokens[row] for row in plan.rows], plan)
    return vectors


def batches(tokens: Sequence[Sequence[int]]) -> Iterator[NDArray[np.int64]]:
    """Rows of texts of like length, so that no batch, padded to its longest, exceeds the token budget."""
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    rows = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * lengths[rows[end]] > TOKENS_PER_BATCH:
            yield rows[start:end]
            start = end
