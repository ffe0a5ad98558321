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
    of its gain with damaged titles is above 0. Of the parts that pass, the one with the largest gain is on.
    """
    injector = benchmark.injector()
    clean = {arm: benchmark.aucs(undamaged[arm]) for arm in GATED}
    draws = []
    for draw in range(DRAWS):
        progress("article calibration: draws of damage", draw + 1, DRAWS)
        draws.append(under_damage(benchmark, undamaged, injector, np.random.default_rng([seed, draw])))
    robust = {arm: np.mean([aucs[arm] for aucs in draws], axis=0) for arm in GATED}
    parts, chosen = _evaluated(clean, robust, benchmark.readers)
    return STRENGTHS[chosen] if chosen else Strength(), {
        "slates": len(benchmark.readers),
        "articles": benchmark.articles.height,
        "damaged": DAMAGED,
        "draws": DRAWS,
        "lost": float((clean[OFF] - robust[OFF]).mean()),
        "on": chosen,
        "parts": parts,
    }


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


def _evaluated(clean: Aucs, robust: Aucs, readers: NDArray[np.int64]) -> tuple[dict[str, Any], str | None]:
    """Return the decision on each part, and the best part that passed."""
    parts, gains = {}, {}
    for arm in STRENGTHS:
        change, gain = (_difference(aucs, arm, readers) for aucs in (clean, robust))
        passed = passes(change, gain)
        parts[arm] = {"passed": passed, "clean": asdict(change), "robust": asdict(gain)}
        if passed:
            gains[arm] = gain.mean
    return parts, max(gains, key=lambda arm: gains[arm], default=None)


def _difference(aucs: Aucs, arm: str, readers: NDArray[np.int64]) -> Interval:
    return compare(aucs[arm], aucs[OFF], readers).difference


def passes(clean: Interval, robust: Interval, growth: float = 1.0) -> bool:
    """Return True if a part may be on.

    clean: change of AUC on undamaged data; robust: gain on damaged data; growth: factor on the 95th percentile of
    a request's time, 1 if requests do not use it.
    """
    return clean.low >= LEAST_CLEAN and robust.low > 0 and growth <= MOST_GROWTH
