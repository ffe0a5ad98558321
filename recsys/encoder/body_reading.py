"""Bodies of articles: read by windows, each within a token budget.

The vector of a body is the mean of those of its windows, weighted by their tokens. The name of the vectors says
how bodies are read, so that vectors of different readings are never mixed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recsys.encoder.protocols import Vectors
from recsys.encoder.token_batches import batches

MOST_WINDOWS = 32
"""Windows of one body that are read: 16,000 tokens, so that one huge body cannot hold up all articles."""

_LABELLED = re.compile(r"@\d+x\d+-body")


@dataclass(frozen=True, slots=True)
class BodyReading:
    """Reading of bodies. tokens: budget of each window, None without one."""

    tokens: int | None = None

    @property
    def label(self) -> str:
        """Part of the name of the vectors, directly after the number of fields."""
        return f"-body{self.tokens or ''}"


class WindowEncoder(Protocol):
    """Encoder of long texts by windows. dim: width of its vectors."""

    dim: int

    def windows(self, text: str, most: int) -> list[list[int]]:
        """Return token ids of the first `most` windows of a text, special tokens included."""

    def encode_within(self, tokens: Sequence[Sequence[int]], budget: int | None) -> Vectors:
        """Encode one batch of tokenised texts as unit vectors [n, dim]; those above `budget` drop tokens."""


def reads_bodies(name: str) -> bool:
    """Return True if vectors of this name include bodies."""
    return _LABELLED.search(name) is not None


def encode_bodies(encoder: WindowEncoder, texts: Sequence[str], reading: BodyReading) -> Vectors:
    """Encode long texts as unit vectors [n, dim]; one of a single window within the budget as any text."""
    windows = [encoder.windows(text, MOST_WINDOWS) for text in texts]
    tokens = [window for of_text in windows for window in of_text]
    row_of = np.repeat(np.arange(len(texts)), [len(of_text) for of_text in windows])
    lengths = np.fromiter(map(len, tokens), dtype=np.float32, count=len(tokens))
    vectors = np.zeros((len(texts), encoder.dim), dtype=np.float32)
    for rows in batches(tokens):
        lines = [tokens[row] for row in rows]
        np.add.at(vectors, row_of[rows], lengths[rows, None] * encoder.encode_within(lines, reading.tokens))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
