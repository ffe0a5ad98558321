"""Ranking metrics over all impressions compared with one scikit-learn call per impression.

    python -m benchmarks.metrics [--slates 20000] [--sample 500]

The loop runs on a sample and is compared per impression. Both sides compute AUC, nDCG@5, nDCG@10 and graded
nDCG@10; Attune also MRR, which scikit-learn does not have.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import ndcg_score, roc_auc_score

from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.metrics import RANKING
from recsys.evaluation.scored_slates import ScoredSlates

GOAL = 50.0


def made_up(slates: int, seed: int = 7) -> ScoredSlates:
    """Return slates of 5–20 candidates, the first clicked, every fifth candidate read."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 21, size=slates)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    labels = (rng.integers(0, 4, size=offsets[-1]) * (rng.random(offsets[-1]) < 0.2)).astype(np.int8)
    labels[offsets[:-1]] = 1
    labels[offsets[1:] - 1] = 0
    return ScoredSlates(rng.random(offsets[-1]), labels, offsets)


def vectorised(slates: ScoredSlates) -> None:
    """Compute all ranking metrics, including the sort."""
    uncached = ScoredSlates(slates.scores, slates.labels, slates.offsets)
    for metric in RANKING.values():
        metric(uncached)


def one_by_one(slates: ScoredSlates) -> None:
    """Compute the same figures with scikit-learn, one impression at a time."""
    for start, end in zip(slates.offsets[:-1], slates.offsets[1:], strict=True):
        scores, labels = slates.scores[None, start:end], slates.labels[None, start:end]
        clicked = labels > 0
        roc_auc_score(clicked[0], scores[0])
        ndcg_score(clicked, scores, k=5)
        ndcg_score(clicked, scores, k=10)
        ndcg_score(labels, scores, k=10)


def with_intervals(slates: ScoredSlates) -> None:
    """Compute all ranking metrics and their 95% intervals over readers of ten impressions each."""
    uncached = ScoredSlates(slates.scores, slates.labels, slates.offsets)
    intervals({name: metric(uncached) for name, metric in RANKING.items()}, np.arange(len(slates)) // 10)


def microseconds_each(work: Callable[[ScoredSlates], None], slates: ScoredSlates, repeats: int) -> float:
    """Return the best wall time of `repeats`, in microseconds per impression."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        work(slates)
        best = min(best, time.perf_counter() - begin)
    return best / len(slates) * 1e6


def main() -> None:
    """Print the table and the ratio to the floor."""
    parser = argparse.ArgumentParser(description="vectorised ranking metrics compared with a scikit-learn loop")
    parser.add_argument("--slates", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=500)
    given = parser.parse_args()
    ours = microseconds_each(vectorised, made_up(given.slates), repeats=3)
    bounded = microseconds_each(with_intervals, made_up(given.slates), repeats=1)
    loop = microseconds_each(one_by_one, made_up(given.sample), repeats=1)
    print(f"{'':30} {'µs/impression':>14} {'impressions/s':>14}")
    for name, cost in (
        (f"Attune, {given.slates:,} slates", ours),
        ("  with intervals of 1,000 draws", bounded),
        (f"scikit-learn, {given.sample:,} slates", loop),
    ):
        print(f"{name:30} {cost:14.2f} {1e6 / cost:14,.0f}")
    print(f"ratio {loop / ours:,.0f}× (goal ≥ {GOAL:.0f}×)")


if __name__ == "__main__":
    main()
