"""Ranking loss by damaged titles, and the share that each arm recovers, with the content match.

A share of the articles is damaged, as candidates and in histories alike. Nothing is trained on the slates, so only
the vectors make the difference. All comparisons use the same slates and the same damage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.protocols import Vectors
from recsys.evaluation.bootstrap import intervals
from recsys.training.calibration.ablation_arms import ARMS, OFF, ORACLE, TOKENS
from recsys.training.calibration.damage_benchmark import DamageBenchmark
from recsys.training.calibration.damaged_text import INJECTING
from recsys.training.calibration.text_corruption import Injector
from recsys.training.training_run import Progress

KINDS = INJECTING
SHARES = (0.1, 0.3, 0.6)
"""Damaged share of the articles, all kinds mixed; each kind separately is measured at the middle one."""

_MIDDLE, _MOST = SHARES[1], SHARES[-1]

_DETECTABLE = 2.8
"""Standard errors of the smallest effect that is found with power 0.8 at the 5% level: 1.96 + 0.84."""

Aucs = Mapping[str, NDArray[np.float64]]
"""AUC of each slate [s], by arm."""


def mixed(share: float) -> str:
    """Return the name of the damage by all kinds to `share` of the articles."""
    return f"all kinds, {share:.0%}"


def robustness(benchmark: DamageBenchmark, seeds: int, progress: Progress) -> dict[str, Any]:
    """Return AUCs by arm on undamaged articles, by kind of damage and by damaged share; means of `seeds` draws.

    Every damage also has `lost` (AUC of undamaged less that of `off`), `detectable` (the smallest gain of the gate
    that these slates show with power 0.8), `can_be_known` (the loss is at least that), `recovered` (its share that
    each arm recovers, None if nothing was lost), and `gain` of each arm over `off` with its standard error over
    draws and paired interval over readers.
    """
    injector, everything = benchmark.injector(), np.arange(benchmark.articles.height)
    clean = benchmark.encoded(everything, [None] * len(everything), injector, 0)
    undamaged = {arm: benchmark.aucs(clean[arm]) for arm in ARMS}
    draws: dict[str, list[Aucs]] = {}
    steps = seeds * len(KINDS)
    for seed in range(seeds):
        for done, (name, aucs) in enumerate(_draw(benchmark, clean, injector, seed), start=1):
            draws.setdefault(name, []).append(aucs)
            progress("robustness: kinds of damage", min(seed * len(KINDS) + done, steps), steps)
    readers = benchmark.readers
    return {
        "slates": len(readers),
        "seeds": seeds,
        "undamaged": {arm: float(aucs.mean()) for arm, aucs in undamaged.items()},
        "undamaged_gain": _intervals(undamaged, readers),
        "damaged": {name: _summary(float(undamaged[OFF].mean()), each, readers) for name, each in draws.items()},
    }


def _draw(
    benchmark: DamageBenchmark, clean: Mapping[str, Vectors], injector: Injector, seed: int
) -> Iterator[tuple[str, Aucs]]:
    """Yield AUCs under each damage. A larger share of damaged articles includes the smaller ones."""
    rng = np.random.default_rng(seed)
    order, mixture_kind = (
        rng.random(benchmark.articles.height),
        rng.integers(len(KINDS), size=benchmark.articles.height),
    )
    # a perfect detector does not change undamaged articles
    base = {arm: clean[OFF if arm == ORACLE else arm] for arm in ARMS}
    mixture = {arm: vectors.copy() for arm, vectors in base.items()}
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero((order < _MIDDLE) | ((order < _MOST) & (mixture_kind == number)))
        corrupted = benchmark.encoded(rows, [kind] * len(rows), injector, seed)
        single_kind, mixture_rows = order[rows] < _MIDDLE, mixture_kind[rows] == number
        yield (
            kind.value,
            {
                arm: benchmark.aucs(with_rows(base[arm], rows[single_kind], corrupted[arm][single_kind]))
                for arm in ARMS
            },
        )
        for arm in ARMS:
            mixture[arm][rows[mixture_rows]] = corrupted[arm][mixture_rows]
    for share in SHARES:
        rows = np.flatnonzero(order < share)
        yield mixed(share), {arm: benchmark.aucs(with_rows(base[arm], rows, mixture[arm][rows])) for arm in ARMS}


def with_rows(vectors: Vectors, rows: NDArray[np.int64], others: Vectors) -> Vectors:
    """Return `vectors` [n, d] with `rows` [m] replaced by `others` [m, d]."""
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
        "detectable": (smallest := _detectable(paired)),
        "can_be_known": bool(lost >= smallest),
        "recovered": {arm: float(gain.mean() / lost) if lost > 0 else None for arm, gain in gains.items()},
        "gain": {arm: {**paired[arm], "standard_error": standard_error(gain)} for arm, gain in gains.items()},
    }


def _detectable(gains: Mapping[str, Mapping[str, float]]) -> float:
    """Return the smallest gain of the gate that is found with power 0.8, from its 95% interval."""
    standard = (gains[TOKENS]["high"] - gains[TOKENS]["low"]) / (2 * 1.96)
    return float(_DETECTABLE * standard)


def _intervals(aucs: Aucs, readers: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return the mean gain of each arm over `off` with its paired 95% interval over readers."""
    gains = {arm: values - aucs[OFF] for arm, values in aucs.items() if arm != OFF}
    return {arm: asdict(interval) for arm, interval in intervals(gains, readers).items()}


def standard_error(values: NDArray[np.float64]) -> float | None:
    """Return the standard error of the mean of draws [s]; None for a single draw."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
