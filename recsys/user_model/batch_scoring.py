"""What interest models say of slates of past data: a network of many at once, others of one after the other."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from recsys.user_model.matcher import ReadHistory
from recsys.user_model.preference_data import PreferenceData
from recsys.user_model.preference_network import HistoryBatch, PreferenceNetwork

BATCH = 256
_WINDOW = 16
"""Batches among which histories are sorted by length: only some, so that every epoch has other batches."""


def histories(data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor) -> HistoryBatch:
    """Histories of `slates` [B] as the network takes them, padded to the longest; `vectors` (rows, D)."""
    reads_BH = torch.from_numpy(data.reads[slates].astype(np.int64)).to(vectors.device)
    longest = max(int((reads_BH >= 0).sum(dim=1).max()), 1)

    def of(values: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(values[slates][:, :longest]).to(vectors.device)

    reads_BH = reads_BH[:, :longest]
    return HistoryBatch(
        vectors=vectors[reads_BH.clamp(min=0)],
        seconds=of(data.seconds),
        age=of(data.age),
        quantile=of(data.quantile),
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
    """Logits of all candidates of each of `slates`, scored among histories of like length."""
    order = np.argsort(data.lengths(slates), kind="stable")
    with torch.inference_mode():
        found = [part for rows in parts(slates[order], batch) for part in _scores(network, data, rows, vectors)]
    return [found[place] for place in np.argsort(order)]


def _scores(
    network: PreferenceNetwork, data: PreferenceData, slates: NDArray[np.int64], vectors: torch.Tensor
) -> list[NDArray[np.float64]]:
    interests_BKP, _ = network.interests(histories(data, slates, vectors))
    starts, sizes = data.offsets[slates], np.diff(data.offsets)[slates]
    grid = np.minimum(starts[:, None] + np.arange(sizes.max()), len(data.candidates) - 1)
    rows_BN = torch.from_numpy(data.candidates[grid].astype(np.int64))
    logits_BN = network.scores(interests_BKP, vectors[rows_BN]).double().cpu().numpy()
    return [row[:size] for row, size in zip(logits_BN, sizes, strict=True)]


def one_by_one(
    score: Callable[[ReadHistory, NDArray[np.float32]], NDArray[np.float64]],
    data: PreferenceData,
    slates: NDArray[np.int64],
    vectors: NDArray[np.float32],
) -> list[NDArray[np.float64]]:
    """What `score` says of all candidates of each of `slates`, asked as a request would; `vectors` (rows, D)."""
    return [score(data.history(slate, vectors), vectors[data.shown(slate)]) for slate in slates.tolist()]


def masked(important_BH: NDArray[np.int8], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Reads (B, H) whose dwell is withheld: a random share of those whose outcome is known."""
    return np.asarray((important_BH >= 0) & (rng.random(important_BH.shape) < share))


def shuffled_alike(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Places in `lengths` [n], each once, in random batches of up to `size` histories of like length."""
    windows = parts(rng.permutation(len(lengths)), size * _WINDOW)
    alike = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    batches = [batch for window in alike for batch in parts(window, size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def parts(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """`rows` [n] in order, cut into stretches of `size`; the last may be shorter."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
