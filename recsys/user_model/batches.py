"""Cutting histories into batches. A batch is padded to its longest history, so like lengths belong together."""

import numpy as np
from numpy.typing import NDArray

_WINDOW = 16
"""Batches among which histories are sorted by length: only some, so that every epoch has other batches."""


def shuffled_alike(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Places in `lengths` [n], each once, in random batches of up to `size` histories of like length."""
    windows = parts(rng.permutation(len(lengths)), size * _WINDOW)
    alike = [window[np.argsort(lengths[window], kind="stable")] for window in windows]
    batches = [batch for window in alike for batch in parts(window, size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def parts(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """`rows` [n] in order, cut into stretches of `size`; the last may be shorter."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]
