"""Does a training that weighs clicks by examination find the true relevance? On slates of an older ranker.

    python -m benchmarks.position_bias [--seeds 10] [--slates 4000]

A click on a candidate depends on eight columns, and on the place: readers look at position k with a chance of
(1 + k)^-1.5, or at every position. The older ranker that ordered the slates used three of the columns, with wrong
weights, so the places hide what readers want. The examination curve is learned from the same clicks. The
trainings of `trainings` are compared by the true chance of a click, if seen: nDCG@10 with the chance as gain, on
slates in random order. Differences are paired over seeds, with 95% intervals of Student's t.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from recsys.ranking import lambdamart
from recsys.ranking.features.feature_set import ALL_FEATURES, TEXT_FREE
from recsys.ranking.features.position import POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.simulate.truth import chance, examination
from recsys.training.examination_curve import ExaminationCurve, learn_examination, positions_of
from recsys.training.examination_weights import weighted
from recsys.training.ranker_training import as_served

Floats = NDArray[np.float64]

WORLDS = {"strong": 1.5, "none": 0.0}
"""Exponent of the examination by kind of world."""

TOP, TREES, PLACES = 10, 150, 12
COLUMNS = TEXT_FREE.pointwise()
MOST_INVERSE = 10.0
_PAIRS = (("weighted", "plain"), ("inverse", "plain"), ("column", "plain"), ("both", "column"), ("both", "plain"))
_REPORTED = np.asarray([1, 2, 3, 5, 8, 12])
_WANTED = np.asarray([1.0, -0.8, 0.6, -0.5, 0.4, -0.3, 0.2, -0.1])
_OLD = {2: 2.0, 3: 2.0, 4: 2.0}
"""Weights of the older ranker by column."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one world: true nDCG@10 by training, and the learned curve."""

    ndcg: Mapping[str, float]
    curve: ExaminationCurve


@dataclass(frozen=True, slots=True)
class Judged:
    """Slates without positions, and the true chance of a click on each candidate [N], if seen."""

    data: RankingData
    gains: Floats


def trainings(data: RankingData, curve: ExaminationCurve) -> Mapping[str, RankingData]:
    """Return the data of each training.

    plain: without positions. column: with the position as a column, as `attune train` does. inverse: without
    positions, slates by the mean inverse examination of their clicks. weighted: without positions, candidates by
    `examination_weights`. both: the same weights and the column.
    """
    weights = weighted(data, curve).weights
    return {
        "plain": as_served(data),
        "column": data,
        "inverse": replace(as_served(data), weights=_inverse(data, curve)),
        "weighted": replace(as_served(data), weights=weights),
        "both": replace(data, weights=weights),
    }


def compared(data: RankingData, judged: Judged, seed: int) -> Outcome:
    """Learn the curve, and train each ranker on `data`."""
    config = LambdaMartConfig(seed=seed)
    curve = learn_examination(data, config)
    assert curve is not None, "enough slates"
    rankers = {
        name: lambdamart.refit(each, COLUMNS, config, TREES) for name, each in trainings(data, curve).items()
    }
    return Outcome({name: ndcg(each.score(judged.data.features), judged) for name, each in rankers.items()}, curve)


def ndcg(scores: Floats, judged: Judged) -> float:
    """Return the mean nDCG@10 over slates, with the true chance as gain."""
    ends, values = np.cumsum(judged.data.sizes)[:-1], []
    discounts = 1 / np.log2(np.arange(2, TOP + 2))
    for score, gain in zip(np.split(scores, ends), np.split(judged.gains, ends), strict=True):
        best, own = np.sort(gain)[::-1][:TOP], gain[np.argsort(-score, kind="stable")][:TOP]
        values.append((own @ discounts[: len(own)]) / (best @ discounts[: len(best)]))
    return float(np.mean(values))


def report(kind: str, outcomes: list[Outcome]) -> Mapping[str, tuple[float, float]]:
    """Print the figures of a kind of worlds, and return the interval of each difference."""
    values = {name: np.asarray([each.ndcg[name] for each in outcomes]) for name in outcomes[0].ndcg}
    print(f"\n{kind}: exponent {WORLDS[kind]}, {len(outcomes)} seeds; true nDCG@{TOP}")
    print("  " + "  ".join(f"{name} {each.mean():.4f}" for name, each in values.items()))
    found = {}
    for one, other in _PAIRS:
        mean, half = _interval(values[one] - values[other])
        found[f"{one} - {other}"] = mean - half, mean + half
        print(f"  {one} - {other:<10} {mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]")
    curves = np.asarray([each.curve.at(_REPORTED - 1.0) for each in outcomes])
    planted = examination(_REPORTED - 1, WORLDS[kind])
    print("  place, learned (standard deviation), planted:")
    for place, mean, spread, true in zip(_REPORTED, curves.mean(0), curves.std(0), planted, strict=True):
        print(f"  {place:>3} {mean:.3f} ({spread:.3f}) {true:.3f}")
    return found


def _interval(differences: Floats) -> tuple[float, float]:
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return float(differences.mean()), float(stats.t.ppf(0.975, len(differences) - 1) * error)


def _inverse(data: RankingData, curve: ExaminationCurve) -> Floats:
    """Return the capped mean inverse examination of the clicks of a slate (Wang et al. 2016), by candidate."""
    slate = np.repeat(np.arange(len(data.sizes)), data.sizes)
    clicked = (data.labels > 0).astype(np.float64)
    inverse = np.minimum(1 / curve.at(positions_of(data)), MOST_INVERSE)
    weights = np.bincount(slate, clicked * inverse) / np.bincount(slate, clicked)
    return np.asarray((weights / weights.mean())[slate])


def planted_slates(seed: int, exponent: float, count: int, old: float = 1.0) -> Judged:
    """Return the slates with a click and a skip, of `count` that the older ranker ordered (`old` = 0: chance)."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(count, PLACES, len(ALL_FEATURES.names)))
    wanted = ALL_FEATURES.columns_of(COLUMNS.without(POSITION))[: len(_WANTED)]
    ordering = rng.gumbel(size=(count, PLACES))
    for column, weight in _OLD.items():
        ordering += old * weight * table[:, :, wanted[column]]
    table = np.take_along_axis(table, np.argsort(-ordering, axis=1)[:, :, None], axis=1)
    table[:, :, ALL_FEATURES.names.index(POSITION)] = np.arange(PLACES)
    chances = chance(table[:, :, wanted] @ _WANTED - 2)
    clicked = rng.random(chances.shape) < chances * examination(np.arange(PLACES), exponent)
    kept = clicked.any(axis=1) & ~clicked.all(axis=1)
    labels = clicked[kept].reshape(-1).astype(np.int8)
    data = RankingData(table[kept].reshape(len(labels), -1), labels, np.full(int(kept.sum()), PLACES))
    return Judged(data, chances[kept].reshape(-1))


def _outcome(seed: int, exponent: float, slates: int) -> Outcome:
    judged = planted_slates(1_000 + seed, 0.0, slates, old=0.0)
    served = Judged(as_served(judged.data), judged.gains)
    return compared(planted_slates(seed, exponent, slates).data, served, seed)


def main() -> None:
    """Print the figures; exit with 1 if weights do not win with strong bias, or do not tie without."""
    parser = argparse.ArgumentParser(description="training weighted by examination")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--slates", type=int, default=4_000)
    given = parser.parse_args()
    found = {
        kind: report(kind, [_outcome(seed, exponent, given.slates) for seed in range(given.seeds)])
        for kind, exponent in WORLDS.items()
    }
    low, high = found["none"]["weighted - plain"]
    sys.exit(not (found["strong"]["weighted - plain"][0] > 0 and low <= 0 <= high))


if __name__ == "__main__":
    main()
