"""Made-up histories and slates for tests of interest models."""

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.matcher import EVIDENCE, ReadHistory
from recsys.user_model.network_weights import PreferenceConfig
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import HistoryBatch

TINY = PreferenceConfig(dim=16, projected=8, heads=2, interests=2, history=6)


def units(n: int, seed: int = 0, dim: int = 16) -> NDArray[np.float32]:
    """Random unit vectors [n, dim]."""
    vectors = np.random.default_rng(seed).normal(size=(n, dim))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def reads(n: int, seed: int = 0, dim: int = 16) -> ReadHistory:
    """A history of `n` reads, the first of unknown dwell, of articles that take a minute each."""
    seconds = np.linspace(5, 100, n)
    seconds[:1] = np.nan
    return ReadHistory.of(units(n, seed, dim), seconds, np.arange(n, 0, -1) * 1.0, np.full(n, 60.0))


def one_history(history: ReadHistory) -> HistoryBatch:
    """`history` as the network in training takes it, without padding."""

    def row(values: NDArray[np.floating]) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32)).unsqueeze(0)

    return HistoryBatch(
        vectors=torch.from_numpy(history.vectors),
        rows=torch.arange(len(history)).unsqueeze(0),
        seconds=row(history.seconds),
        age=row(history.age),
        quantile=row(history.quantile),
        noise=torch.tensor([history.noise], dtype=torch.float32),
        mask=torch.ones(1, len(history), dtype=torch.bool),
    )


def no_evidence(candidates: int) -> NDArray[np.float32]:
    """Evidence of candidates of which nothing is known [candidates, E]."""
    return np.zeros((candidates, len(EVIDENCE)), dtype=np.float32)


def toy(slates: int, seed: int) -> tuple[PreferenceData, NDArray[np.float32]]:
    """Slates of five articles of five topics; the reader read two of one topic and clicks a third of it.

    A third of each vector depends on the topic; the rest is noise, so that an untrained match errs.
    """
    rng = np.random.default_rng(seed)
    topic = np.arange(100) % 5
    table = np.concatenate([np.eye(5)[topic], rng.normal(size=(100, 11))], axis=1)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    likes = rng.integers(0, 5, size=slates)
    read = likes[:, None] + 5 * rng.integers(0, 10, size=(slates, 2))
    padded = np.concatenate([read, np.full((slates, 2), -1)], axis=1)
    shown = np.stack([rng.permutation(5) for _ in range(slates)])
    return (
        PreferenceData(
            at=np.arange(slates),
            reader=np.arange(slates) // 3,
            reads=padded.astype(np.int32),
            seconds=np.full((slates, 4), 30.0, dtype=np.float32),
            age=np.ones((slates, 4), dtype=np.float32),
            quantile=np.where(padded >= 0, 0.75, np.nan).astype(np.float32),
            noise=np.full(slates, 0.1, dtype=np.float32),
            important=np.full((slates, 4), -1, dtype=np.int8),
            candidates=(shown + 5 * rng.integers(10, 20, size=shown.shape)).reshape(-1).astype(np.int32),
            evidence=no_evidence(5 * slates),
            labels=(2 * (shown == likes[:, None])).reshape(-1).astype(np.int8),
            offsets=np.arange(slates + 1) * 5,
        ),
        table.astype(np.float32),
    )
