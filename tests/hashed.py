"""A model that needs no network: a text's vector is near to that of its first word."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.attention_statistics import COHERENCE, Observation
from recsys.calibration.calibrator import Plan
from recsys.encoder.article_text import ArticleText
from recsys.encoder.field_concat import article_vectors
from tests.unit.calibration.observations import normal

DIM = 16


def hashed(texts: Sequence[ArticleText]) -> NDArray[np.float32]:
    """Unit vectors [n, 3·DIM] of articles, the same on every machine."""
    return article_vectors(HashModel(), texts)


def _of_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = np.asarray([2 * _noise((text.split() or [text])[0]) + _noise(text) for text in texts]).reshape(
        -1, DIM
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class HashModel:
    """Encodes tokens by the text they came from; attention is made up from them."""

    dim = DIM
    reads_bodies = False

    def __init__(self) -> None:
        self._texts: dict[tuple[int, ...], str] = {}

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        tokens = [[0, *(_seed(word) for word in text.split()), 1] for text in texts]
        self._texts |= {tuple(line): text for line, text in zip(tokens, texts, strict=True)}
        return tokens

    def tokenize_words(self, texts: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[list[int]]]:
        """One token a word."""
        words = [[-1, *range(len(text)), -1] for text in texts]
        return self.tokenize([" ".join(text) for text in texts]), words

    def encode_tokens(self, tokens: Sequence[list[int]], plan: Plan | None = None) -> NDArray[np.float32]:
        vectors = _of_texts([self._texts.get(tuple(line), str(line)) for line in tokens])
        if plan is None:
            return vectors
        moved = vectors + np.abs(plan.log_gate).sum(axis=1, keepdims=True) + plan.mix.sum(axis=(1, 2))[:, None]
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    def observe_tokens(
        self,
        tokens: Sequence[list[int]],
        *,
        context: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], Observation]:
        alone = [normal(1, _seed(str(line)), len(line), len(line)) for line in tokens]
        longest = max(map(len, tokens))
        padded = [
            np.pad(one.tokens, ((0, 0), (0, longest - len(line)), *[(0, 0)] * 3))
            for one, line in zip(alone, tokens, strict=True)
        ]
        lengths = np.asarray([len(line) for line in tokens])
        coherence = np.zeros((len(tokens), longest, len(COHERENCE)), dtype=np.float32)
        seen = Observation(
            np.concatenate([one.heads for one in alone]), np.concatenate(padded), lengths, coherence
        )
        return self.encode_tokens(tokens), seen


def _noise(text: str) -> NDArray[np.float64]:
    return np.random.default_rng(_seed(text)).normal(size=DIM)


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
