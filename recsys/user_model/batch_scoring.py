"""Batches of histories of similar length, and scores of interest models on logged slates."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.matcher import ReadHistory
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import HistoryBatch, PreferenceNetwork

BATCH = 256
_WINDOW = 16
"""Histories are sorted by length within this many batches only, so that batches differ between epochs."""


def histories(data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor) -> HistoryBatch:
    """Return the network's input for the histories of `slates` [B], padded to the longest; `vectors` (rows, D)."""
    reads_BH = torch.from_numpy(data.reads[slates].astype(np.int64)).to(vectors.device)
    longest = max(int((reads_BH >= 0).sum(dim=1).max()), 1)

    def on_device(values: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(values[slates][:, :longest]).to(vectors.device)

    reads_BH = reads_BH[:, :longest]
    return HistoryBatch(
        vectors=vectors[reads_BH.clamp(min=0)],
        seconds=on_device(data.seconds),
        age=on_device(data.age),
        quantile=on_device(data.quantile),
        noise=torch.from_numpy(data.noise[slates]).to(vectors.device),
        mask=reads_BH >= 0,
    )


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
    with torch.inference_mode():
        logits = [part for rows in parts(slates[order], batch) for part in _scores(network, data, rows, vectors)]
    return [logits[index] for index in np.argsort(order)]


def _scores(
    network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor
) -> list[NDArray[np.float64]]:
    interests, _ = network.interests(histories(data, slates, vectors))
    starts, sizes = data.offsets[slates], np.diff(data.offsets)[slates]
    grid = np.minimum(starts[:, None] + np.arange(sizes.max()), len(data.candidates) - 1)
    rows_BN = torch.from_numpy(data.candidates[grid].astype(np.int64))
    logits_BN = network.scores(interests, vectors[rows_BN]).double().cpu().numpy()
    return [row[:size] for row, size in zip(logits_BN, sizes, strict=True)]


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
