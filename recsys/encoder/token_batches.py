"""Many texts → vectors, fast: sorted by length, so that batches carry little padding."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
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


def mean_pool(
    hidden_BTD: torch.Tensor, mask_BT: torch.Tensor, weights_BT: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean of the token vectors that are not padding, weighted by `weights_BT`, L2-normalised: (B, D)."""
    counted_BT = mask_BT.to(hidden_BTD.dtype)
    weighted_BT1 = (counted_BT if weights_BT is None else counted_BT * weights_BT).unsqueeze(-1)
    summed_BD = (hidden_BTD * weighted_BT1).sum(dim=1)
    return torch.nn.functional.normalize(summed_BD / weighted_BT1.sum(dim=1).clamp(min=1e-6), dim=-1)
