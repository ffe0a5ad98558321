"""Gate for the article calibration: parts are on only if they help on damaged texts and do no harm on normal ones.

Articles are encoded on arrival, so requests do not slow down; the monitor reports the cost of the second encoding
(docs/monitoring.md).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.calibrator import Strength
from recsys.encoder.protocols import Vectors
from recsys.evaluation.bootstrap import Interval, compare
from recsys.training.calibration.ablation_arms import OFF, STRENGTHS
from recsys.training.calibration.damage_benchmark import DamageBenchmark
from recsys.training.calibration.robustness import KINDS, Aucs, with_rows
from recsys.training.calibration.text_corruption import Injector
from recsys.training.training_run import Progress

DAMAGED, DRAWS = 0.3, 3
"""Share of the articles that is damaged in the robustness test, all kinds mixed, and number of draws."""

LEAST_CLEAN = -0.002
"""Allowed loss on undamaged data: a smaller margin is within the noise of a few thousand slates."""

MOST_GROWTH = 1.10

GATED = (OFF, *STRENGTHS)
"""Arms that the gate compares."""


def gate_articles(
    benchmark: DamageBenchmark, undamaged: Mapping[str, Vectors], seed: int, progress: Progress
) -> tuple[Strength, dict[str, Any]]:
    """Return the strength that passes, and the decision with its metrics for the manifest.

    `undamaged` has the headlines [n, d] of all articles by the arms of `GATED`.

    A part is on if, on the slates of `benchmark`, the lower bound of its change of AUC is at least −0.002 and that
    of its gain with damaged titles is above 0. Of the parts that pass, the one with the largest gain is on. A part
    that fails on undamaged titles is not tried on damaged ones, and none is tried where the damage costs nothing
    that these slates show (the lower bound of the loss is not above 0): its `robust` is None.
    """
    clean = {arm: benchmark.aucs(undamaged[arm]) for arm in GATED}
    changes = {arm: compare(clean[arm], clean[OFF], benchmark.readers).difference for arm in STRENGTHS}
    harmless = [arm for arm in STRENGTHS if is_harmless(changes[arm])]
    robust = _with_damage(benchmark, {OFF: undamaged[OFF]}, seed, progress) if harmless else {}
    loss = compare(clean[OFF], robust[OFF], benchmark.readers).difference if harmless else None
    tried = harmless if loss is not None and is_certain(loss) else []
    robust |= _with_damage(benchmark, {arm: undamaged[arm] for arm in tried}, seed, progress)
    gains = {arm: compare(robust[arm], robust[OFF], benchmark.readers).difference for arm in tried}
    passed = [arm for arm in tried if passes(changes[arm], gains[arm])]
    chosen = max(passed, key=lambda arm: gains[arm].mean, default=None)
    return STRENGTHS[chosen] if chosen else Strength(), {
        "slates": len(benchmark.readers),
        "articles": benchmark.articles.height,
        "damaged": DAMAGED,
        "draws": DRAWS if harmless else 0,
        "lost": None if loss is None else loss.mean,
        "on": chosen,
        "parts": {
            arm: {
                "passed": arm in passed,
                "clean": asdict(changes[arm]),
                "robust": asdict(gains[arm]) if arm in gains else None,
            }
            for arm in STRENGTHS
        },
    }


def _with_damage(
    benchmark: DamageBenchmark, undamaged: Mapping[str, Vectors], seed: int, progress: Progress
) -> dict[str, NDArray[np.float64]]:
    """Return the mean AUCs over all draws of damage, by the arms of `undamaged`; the draws are always the same."""
    if not undamaged:
        return {}
    injector, draws = benchmark.injector(), []
    for draw in range(DRAWS):
        progress("article calibration: draws of damage", draw + 1, DRAWS)
        draws.append(under_damage(benchmark, undamaged, injector, np.random.default_rng([seed, draw])))
    return {arm: np.mean([aucs[arm] for aucs in draws], axis=0) for arm in undamaged}


def under_damage(
    benchmark: DamageBenchmark, undamaged: Mapping[str, Vectors], injector: Injector, rng: np.random.Generator
) -> Aucs:
    """Return AUCs by arm with a share of the articles damaged, in random ways.

    `undamaged` has the vectors [n, d] of all articles, by the arms to evaluate.
    """
    arms = tuple(undamaged)
    rows = np.flatnonzero(rng.random(benchmark.articles.height) < DAMAGED)
    kinds = [KINDS[kind] for kind in rng.integers(len(KINDS), size=len(rows))]
    corrupted = benchmark.encoded(rows, kinds, injector, int(rng.integers(2**31)), arms)
    return {arm: benchmark.aucs(with_rows(undamaged[arm], rows, corrupted[arm])) for arm in arms}


def is_harmless(clean: Interval) -> bool:
    """Return True if a part may be on as far as undamaged data shows. clean: change of AUC there."""
    return clean.low >= LEAST_CLEAN


def is_certain(loss: Interval) -> bool:
    """Return True if the damage lowers the AUC by more than chance: only then is there something to recover."""
    return loss.low > 0


def passes(clean: Interval, robust: Interval, growth: float = 1.0) -> bool:
    """Return True if a part may be on.

    clean: change of AUC on undamaged data; robust: gain on damaged data; growth: factor on the 95th percentile of
    a request's time, 1 if requests do not use it.
    """
    return is_harmless(clean) and robust.low > 0 and growth <= MOST_GROWTH
