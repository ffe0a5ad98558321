"""Metrics of rankings, vectorised over all impressions.

`RANKING` holds those that compare a ranking with the clicks: ScoredSlates → float64 [S], NaN for a slate on which
the metric is undefined. The others look at the lists themselves, or compare two rankings. `mean` averages any of
them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from recsys.evaluation.metrics.beyond_accuracy import (
    coverage,
    fresh_share,
    intra_list_diversity,
    novelty,
    topic_divergence,
)
from recsys.evaluation.metrics.calibration_error import expected_calibration_error
from recsys.evaluation.metrics.ranking_metrics import auc, mrr, ndcg, read_weighted_ndcg, spearman, top1_agreement
from recsys.evaluation.scored_slates import Floats, ScoredSlates

__all__ = [
    "RANKING",
    "auc",
    "coverage",
    "expected_calibration_error",
    "fresh_share",
    "intra_list_diversity",
    "mean",
    "mrr",
    "ndcg",
    "novelty",
    "read_weighted_ndcg",
    "spearman",
    "top1_agreement",
    "topic_divergence",
]

RANKING: dict[str, Callable[[ScoredSlates], Floats]] = {
    "auc": auc,
    "mrr": mrr,
    "ndcg@5": partial(ndcg, k=5),
    "ndcg@10": partial(ndcg, k=10),
    "read_weighted_ndcg@10": partial(read_weighted_ndcg, k=10),
}


def mean(values: Floats) -> float:
    """Return the mean over the impressions that are not NaN; NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
