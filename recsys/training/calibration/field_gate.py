"""Gate for the field weights: they are on only if they help where titles or abstracts are damaged, and do no harm.

The slates are those of the article gate. Of the damaged articles, half have the abstract of another article, and
half a damaged title: one that no detector finds also contradicts its abstract, which then loses weight wrongly.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.calibration.field_weights import apply_by_fold
from recsys.encoder.protocols import Vectors
from recsys.evaluation.bootstrap import compare
from recsys.training.calibration.ablation_arms import OFF, TOKENS, suspicious_headlines
from recsys.training.calibration.article_gate import DAMAGED, DRAWS, is_harmless, passes
from recsys.training.calibration.damage_benchmark import DamageBenchmark
from recsys.training.calibration.robustness import KINDS, with_rows
from recsys.training.calibration.text_corruption import Injector
from recsys.training.training_run import Progress

Aucs = NDArray[np.float64]


def gate_fields(
    benchmark: DamageBenchmark, undamaged: Mapping[str, Vectors], arm: str, seed: int, progress: Progress
) -> tuple[bool, dict[str, Any]]:
    """Return True if field weights may be on, and the decision with its metrics for the manifest.

    `undamaged` has the headlines [n, d] of all articles, by arm; `arm` is the one that will be served. The limits
    are those of `article_gate.passes`. Weights that harm undamaged articles are not tried on damaged ones.
    """
    clean = _with_and_without(benchmark, undamaged, arm)
    change = compare(*clean, benchmark.readers).difference
    if not is_harmless(change):
        return False, {"passed": False, "lost": None, "clean": asdict(change), "robust": None}
    injector, draws = benchmark.injector(), []
    for draw in range(DRAWS):
        progress("article calibration: draws of damaged fields", draw + 1, DRAWS)
        draws.append(_under_damage(benchmark, undamaged, arm, injector, np.random.default_rng([seed, draw, 1])))
    weighted, plain = np.mean(draws, axis=0)
    gain = compare(weighted, plain, benchmark.readers).difference
    passed = passes(change, gain)
    lost = float((clean[1] - plain).mean())
    return passed, {"passed": passed, "lost": lost, "clean": asdict(change), "robust": asdict(gain)}


def _with_and_without(benchmark: DamageBenchmark, headlines: Mapping[str, Vectors], arm: str) -> tuple[Aucs, Aucs]:
    """Return the AUC of each slate with field weights, and without."""
    served, own = headlines[arm], benchmark.abstracts
    weights = [calibrator.fields for calibrator in benchmark.calibrators]
    weighted = apply_by_fold(weights, benchmark.folds, served, own, suspicious_headlines(headlines))
    return benchmark.aucs(served, weighted), benchmark.aucs(served, own)


def _under_damage(
    benchmark: DamageBenchmark,
    undamaged: Mapping[str, Vectors],
    arm: str,
    injector: Injector,
    rng: np.random.Generator,
) -> tuple[Aucs, Aucs]:
    rows = np.flatnonzero(rng.random(benchmark.articles.height) < DAMAGED)
    kinds = [KINDS[kind] for kind in rng.integers(len(KINDS), size=len(rows))]
    exchanged = rng.random(len(rows)) < 0.5
    context = benchmark.context.copy()
    context[rows[exchanged], 1] = context[rng.permutation(rows[exchanged]), 1]
    damaged = replace(benchmark, context=context)
    titles = [None if other else kind for kind, other in zip(kinds, exchanged.tolist(), strict=True)]
    arms = tuple(dict.fromkeys((OFF, TOKENS, arm)))
    corrupted = damaged.encoded(rows, titles, injector, int(rng.integers(2**31)), arms)
    headlines = {name: with_rows(undamaged[name], rows, corrupted[name]) for name in arms}
    return _with_and_without(damaged, headlines, arm)
