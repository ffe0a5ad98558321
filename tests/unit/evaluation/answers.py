"""Answers without a replay: scores of systems for made-up slates."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recsys.domain import DAY, HOUR
from recsys.evaluation.replay import ReplayScores

AT = 20_000 * DAY


def answers(labels: Sequence[Sequence[int]], **scores: Sequence[Sequence[float]]) -> ReplayScores:
    """One slate a list. Slate s is requested s hours after midnight by reader s; candidates are rows 1, 2, 3, …"""
    sizes = [len(slate) for slate in labels]
    rows = np.concatenate([np.arange(1, size + 1) for size in sizes])
    count = len(labels)
    return ReplayScores(
        scores={
            name: np.concatenate([np.asarray(s, dtype=np.float64) for s in stated])
            for name, stated in scores.items()
        },
        labels=np.concatenate([np.asarray(slate, dtype=np.int8) for slate in labels]),
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        rows=rows,
        available=np.full(len(rows), AT - DAY),
        categories=rows % 2,
        at=AT + np.arange(count) * HOUR,
        readers=np.arange(count),
        history=np.full(count, 10),
        mix=np.tile([3.0, 1.0], (count, 1)),
    )


def changed(of: ReplayScores, **changes: object) -> ReplayScores:
    return replace(of, **changes)  # type: ignore[arg-type]
