"""Batches of histories of similar length, and scores of interest models on logged slates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.matcher import ReadHistory
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import AttentionInput, HistoryBatch, PreferenceNetwork

BATCH = 256
_WINDOW = 16
"""Histories are sorted by length within this many batches only, so that batches differ between epochs."""


def histories(data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor) -> HistoryBatch:
    """Return the network's input for the histories of `slates` [B], padded to the longest; `vectors` (rows, D)."""
    longest = max(int(data.lengths(slates).max()), 1)
    reads_BH = data.reads[slates, :longest]
    articles, rows_BH = _distinct(np.maximum(reads_BH, 0), vectors)

    def on_device(values: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(values[slates, :longest]).to(vectors.device)

    return HistoryBatch(
        vectors=articles,
        rows=rows_BH,
        seconds=on_device(data.seconds),
        age=on_device(data.age),
        quantile=on_device(data.quantile),
        noise=torch.from_numpy(data.noise[slates]).to(vectors.device),
        mask=torch.from_numpy(reads_BH >= 0).to(vectors.device),
    )


def directions(network: PreferenceNetwork, rows_BN: NDArray[np.int32], vectors: torch.Tensor) -> torch.Tensor:
    """Return the directions (B, N, P) of the articles `rows_BN`, each projected once; `vectors` (rows, D)."""
    articles, places_BN = _distinct(rows_BN, vectors)
    return torch.nn.functional.embedding(places_BN, network.directions(articles))


def _distinct(rows: NDArray[np.int32], vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the vectors of the different articles among `rows` (M, D), and the place of each row in them."""
    articles, places = np.unique(rows, return_inverse=True)
    found = vectors[torch.from_numpy(articles.astype(np.int64)).to(vectors.device)]
    return found, torch.from_numpy(places.reshape(rows.shape)).to(vectors.device)


@dataclass(frozen=True, slots=True)
class _EncodedBatch:
    """B encoded slates. directions: of the candidates (B, N, P); sizes: number of candidates of each [B]."""

    attention: AttentionInput
    directions: torch.Tensor
    sizes: NDArray[np.int64]

    @classmethod
    def of(
        cls, network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor
    ) -> Self:
        """Encode `slates` [B]."""
        starts, sizes = data.offsets[slates], np.diff(data.offsets)[slates]
        grid = np.minimum(starts[:, None] + np.arange(sizes.max()), len(data.candidates) - 1)
        attention = network.attention_input(histories(data, slates, vectors))
        return cls(attention, directions(network, data.candidates[grid], vectors), sizes)

    def scores(self, network: PreferenceNetwork) -> list[NDArray[np.float64]]:
        """Return the logits of all candidates of each slate."""
        interests, _ = network.calibrated_interests(self.attention)
        logits_BN = network.logits(interests, self.directions).double().cpu().numpy()
        return [row[:size] for row, size in zip(logits_BN, self.sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class EncodedSlates:
    """Slates encoded once, to be scored under several calibrations of one network; 30 kB a slate.

    order: place of each slate in the batches [s].
    """

    batches: list[_EncodedBatch]
    order: NDArray[np.int64]

    @classmethod
    def of(
        cls, network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor
    ) -> Self:
        """Encode `slates` [s] of `data`; `vectors` (rows, D)."""
        order = np.argsort(data.lengths(slates), kind="stable")
        with torch.inference_mode():
            batches = [_EncodedBatch.of(network, data, rows, vectors) for rows in parts(slates[order], BATCH)]
        return cls(batches, np.argsort(order))

    def scores(self, network: PreferenceNetwork) -> list[NDArray[np.float64]]:
        """Return the logits of all candidates of each slate; `network` has the weights that encoded them."""
        with torch.inference_mode():
            logits = [part for batch in self.batches for part in batch.scores(network)]
        return [logits[index] for index in self.order]


def scores(
    network: PreferenceNetwork,
    data: PreferenceData,
    slates: NDArray[np.int64],
    vectors: torch.Tensor,
    batch: int = BATCH,
) -> list[NDArray[np.float64]]:
    """Return the network's own logits, without evidence, of all candidates of each of `slates`.

    Batches hold histories of similar length.
    """
    order = np.argsort(data.lengths(slates), kind="stable")
    logits: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for rows in parts(slates[order], batch):
            logits += _EncodedBatch.of(network, data, rows, vectors).scores(network)
    return [logits[index] for index in np.argsort(order)]


def one_by_one(
    score: Callable[[ReadHistory, NDArray[np.float32]], NDArray[np.float64]],
    data: PreferenceData,
    slates: NDArray[np.int64],
    vectors: NDArray[np.float32],
) -> list[NDArray[np.float64]]:
    """Score all candidates of each of `slates` with one call of `score` each, as a request does.

    `vectors` (rows, D).
    """
    return [score(data.history(slate, vectors), vectors[data.shown(slate)]) for slate in slates.tolist()]


def masked(important_BH: NDArray[np.int8], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a random share of the reads (B, H) with a known outcome, to hide their dwell from the network."""
    return np.asarray((important_BH >= 0) & (rng.random(important_BH.shape) < share))


def shuffled_by_length(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return the indices of `lengths` [n] in random batches of up to `size` histories of similar length."""
    windows = parts(rng.permutation(len(lengths)), size * _WINDOW)
    by_length = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    batches = [batch for window in by_length for batch in parts(window, size)]
    return [batches[index] for index in rng.permutation(len(batches))]


def parts(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Return `rows` [n] in order, cut into parts of `size`; the last may be shorter."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
