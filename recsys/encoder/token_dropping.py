"""Leaving tokens out of texts before they are read."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Plan


def shortened(
    tokens: Sequence[Sequence[int]], plan: Plan, wordlike: NDArray[np.bool_]
) -> tuple[list[list[int]], Plan]:
    """The texts of `plan` without the tokens it cuts, and the plan for what is left of them.

    Of a word that stands in a text several times and would be cut everywhere, the first stays: a keyword that was
    stuffed into a title belongs there once. `wordlike` tells of each token id whether it is of a word: of repeated
    marks none belongs there.
    """
    kept = [np.flatnonzero(_kept(line, cut, wordlike)) for line, cut in zip(tokens, plan.cut, strict=True)]
    log_gate = np.zeros((len(kept), max(map(len, kept))))
    for row, places in enumerate(kept):
        log_gate[row, : len(places)] = np.where(plan.cut[row, places], 0.0, plan.log_gate[row, places])
    lines = [[line[place] for place in places.tolist()] for line, places in zip(tokens, kept, strict=True)]
    return lines, replace(plan, log_gate=log_gate, cut=np.zeros_like(log_gate, dtype=np.bool_))


def _kept(line: Sequence[int], cut_T: NDArray[np.bool_], wordlike: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ids, kept = np.asarray(line), ~cut_T[: len(line)]
    unique, first, count = np.unique(ids, return_index=True, return_counts=True)
    repeated = np.zeros(len(ids), dtype=np.bool_)
    repeated[first[(count > 1) & wordlike[unique]]] = True
    return np.asarray(kept | (repeated & ~np.isin(ids, ids[kept])))
