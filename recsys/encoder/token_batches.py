"""Batches of tokenised texts, sorted by length to save padding."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.protocols import TokenEncoder, Vectors

if TYPE_CHECKING:
    from recsys.calibration.calibrator import Plan

TOKENS_PER_BATCH = 4_096
"""Largest number of padded tokens in a batch, so that a batch holds many short texts or few long ones."""


def encode(encoder: TokenEncoder, texts: Sequence[str]) -> Vectors:
    """Encode texts as unit vectors [n, dim], in the order of `texts`."""
    return encode_all(encoder, encoder.tokenize(texts) if texts else [])


def encode_all(encoder: TokenEncoder, tokens: Sequence[list[int]]) -> Vectors:
    """Encode tokenised texts as unit vectors [n, dim], in their order."""
    vectors = np.zeros((len(tokens), encoder.dim), dtype=np.float32)
    for rows in batches(tokens):
        vectors[rows] = encoder.encode_tokens([tokens[row] for row in rows])
    return vectors


def adjusted(encoder: TokenEncoder, tokens: Sequence[list[int]], raw: Vectors, plan: "Plan | None") -> Vectors:
    """Return unit vectors [n, dim] of one batch: `raw`, with the texts of `plan` encoded again."""
    if plan is None:
        return raw
    vectors = raw.copy()
    vectors[plan.rows] = encoder.encode_tokens([tokens[row] for row in plan.rows], plan)
    return vectors


def batches(tokens: Sequence[Sequence[int]]) -> Iterator[NDArray[np.int64]]:
    """Yield rows of texts of similar length, so that no padded batch exceeds the token budget."""
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    rows = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * lengths[rows[end]] > TOKENS_PER_BATCH:
            yield rows[start:end]
            start = end
