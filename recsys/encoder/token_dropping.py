"""Removal of cut tokens from texts before they are encoded."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Plan


def shortened(
    tokens: Sequence[Sequence[int]], plan: Plan, wordlike: NDArray[np.bool_]
) -> tuple[list[list[int]], Plan]:
    """Return the texts of `plan` without the tokens it cuts, and the plan for the remaining tokens.

    If every occurrence of a repeated word would be cut, the first stays: a keyword stuffed into a title belongs
    there once. This holds for words only (`wordlike`, by token id), not for repeated punctuation.
    """
    remaining = [
        np.flatnonzero(_remaining_mask(line, cut, wordlike)) for line, cut in zip(tokens, plan.cut, strict=True)
    ]
    log_gate = np.zeros((len(remaining), max(map(len, remaining))))
    for row, positions in enumerate(remaining):
        log_gate[row, : len(positions)] = np.where(plan.cut[row, positions], 0.0, plan.log_gate[row, positions])
    lines = [
        [line[position] for position in positions.tolist()]
        for line, positions in zip(tokens, remaining, strict=True)
    ]
    return lines, replace(plan, log_gate=log_gate, cut=np.zeros_like(log_gate, dtype=np.bool_))


def _remaining_mask(
    line: Sequence[int], cut_T: NDArray[np.bool_], wordlike: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    ids, remaining = np.asarray(line), ~cut_T[: len(line)]
    unique, first, count = np.unique(ids, return_index=True, return_counts=True)
    repeated = np.zeros(len(ids), dtype=np.bool_)
    repeated[first[(count > 1) & wordlike[unique]]] = True
    return np.asarray(remaining | (repeated & ~np.isin(ids, ids[remaining])))
