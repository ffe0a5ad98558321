"""Mean reciprocal rank, per impression."""

import numpy as np

from recsys.evaluation.scored_slates import Floats, ScoredSlates


def mrr(slates: ScoredSlates) -> Floats:
    """Sum of the reciprocal ranks of the clicked candidates over their number.

    This is the definition of the MIND benchmark (Wu et al. 2020, `mrr_score` of its evaluation script), which
    counts every click, not only the first.

    Returns:
        float64 [S], NaN where a slate has no click or no non-click.
    """
    return slates.judged(slates.total(slates.clicked / slates.ranks) / np.maximum(slates.clicks, 1))
