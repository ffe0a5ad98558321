"""What damage costs the ranking, and what each arm wins back: interest match by content, with damaged titles.

A share of the articles is damaged, as candidates and in histories alike; nothing is trained on the slates, so the
vectors alone make the difference. Every comparison is on the same slates and the same damage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.protocols import Vectors
from recsys.evaluation.bootstrap import intervals
from recsys.training.calibration.ablation_arms import ARMS, OFF, ORACLE
from recsys.training.calibration.damage_benchmark import DamageBenchmark
from recsys.training.calibration.text_corruption import Injector, NoiseKind
from recsys.training.training_run import Progress

KINDS = tuple(NoiseKind)
SHARES = (0.1, 0.3, 0.6)
"""Damaged share of the articles, all kinds mixed; each kind alone is measured at the middle one."""

_MIDDLE, _MOST = SHARES[1], SHARES[-1]

Aucs = Mapping[str, NDArray[np.float64]]
"""By arm: of each slate [s]."""


def mixed(share: float) -> str:
    """Name of the damage by all kinds at once to `share` of the articles."""
    return f"all kinds, {share:.0%}"


def robustness(trial: DamageBenchmark, seeds: int, progress: Progress) -> dict[str, Any]:
    """AUC by arm on undamaged articles, by kind of damage and by share of damaged articles; mean of `seeds` draws.

    For every damage also `lost` (AUC of `off` against undamaged) and `recovered`, the share of it each arm wins
    back, None if nothing was lost; `gain` of each arm over `off`, with its standard error over the draws and its
    paired interval over readers.
    """
    injector, everything = trial.injector(), np.arange(trial.articles.height)
    clean = trial.encoded(everything, [None] * len(everything), injector, 0)
    undamaged = {arm: trial.aucs(clean[arm]) for arm in ARMS}
    draws: dict[str, list[Aucs]] = {}
    steps = seeds * len(KINDS)
    for seed in range(seeds):
        for done, (name, aucs) in enumerate(_draw(trial, clean, injector, seed), start=1):
            draws.setdefault(name, []).append(aucs)
            progress("robustness: kinds of damage", min(seed * len(KINDS) + done, steps), steps)
    readers = trial.readers
    return {
        "slates": len(readers),
        "seeds": seeds,
        "undamaged": {arm: float(aucs.mean()) for arm, aucs in undamaged.items()},
        "undamaged_gain": _intervals(undamaged, readers),
        "damaged": {name: _summary(float(undamaged[OFF].mean()), each, readers) for name, each in draws.items()},
    }


def _draw(
    trial: DamageBenchmark, clean: Mapping[str, Vectors], injector: Injector, seed: int
) -> Iterator[tuple[str, Aucs]]:
    """AUCs under each damage. The larger shares of damaged articles hold the smaller ones."""
    rng = np.random.default_rng(seed)
    order, own = rng.random(trial.articles.height), rng.integers(len(KINDS), size=trial.articles.height)
    # a perfect detector leaves undamaged articles alone
    base = {arm: clean[OFF if arm == ORACLE else arm] for arm in ARMS}
    mixture = {arm: vectors.copy() for arm, vectors in base.items()}
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero((order < _MIDDLE) | ((order < _MOST) & (own == number)))
        corrupted = trial.encoded(rows, [kind] * len(rows), injector, seed)
        alone, shared = order[rows] < _MIDDLE, own[rows] == number
        yield (
            kind.value,
            {arm: trial.aucs(with_rows(base[arm], rows[alone], corrupted[arm][alone])) for arm in ARMS},
        )
        for arm in ARMS:
            mixture[arm][rows[shared]] = corrupted[arm][shared]
    for share in SHARES:
        rows = np.flatnonzero(order < share)
        yield mixed(share), {arm: trial.aucs(with_rows(base[arm], rows, mixture[arm][rows])) for arm in ARMS}


def with_rows(vectors: Vectors, rows: NDArray[np.int64], others: Vectors) -> Vectors:
    """`vectors` [n, d] with `others` [m, d] in the place of `rows` [m]."""
    out = vectors.copy()
    out[rows] = others
    return out


def _summary(undamaged: float, draws: Sequence[Aucs], readers: NDArray[np.int64]) -> dict[str, Any]:
    by_draw = {arm: np.asarray([draw[arm].mean() for draw in draws]) for arm in ARMS}
    by_slate = {arm: np.mean([draw[arm] for draw in draws], axis=0) for arm in ARMS}
    lost = undamaged - by_draw[OFF].mean()
    gains = {arm: by_draw[arm] - by_draw[OFF] for arm in ARMS if arm != OFF}
    paired = _intervals(by_slate, readers)
    return {
        "auc": {arm: float(values.mean()) for arm, values in by_draw.items()},
        "lost": float(lost),
        "recovered": {arm: float(gain.mean() / lost) if lost > 0 else None for arm, gain in gains.items()},
        "gain": {arm: {**paired[arm], "standard_error": standard_error(gain)} for arm, gain in gains.items()},
    }


def _intervals(aucs: Aucs, readers: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Mean gain of each arm over `off` with its 95% interval, paired, by the bootstrap over readers."""
    gains = {arm: values - aucs[OFF] for arm, values in aucs.items() if arm != OFF}
    return {arm: asdict(interval) for arm, interval in intervals(gains, readers).items()}


def standard_error(values: NDArray[np.float64]) -> float | None:
    """Of the mean of draws [s]; None for a single draw."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
