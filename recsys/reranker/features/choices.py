"""What readers choose when they have the choice: ratings of articles, and what this reader's own choices add.

A taste is the sum of the reader's surprises (chosen against expectation, passed over against it) by category and
by subcategory: unlike the share of what was read, it is not large merely because much of a category is offered.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.reranker.context import Family, FloatArray, RankingContext, setwise_percentiles
from recsys.state.ratings import FAST

_TASTE_RATE = 0.25
"""Nats a surprise moves a taste by."""


def _compute(context: RankingContext) -> FloatArray:
    catalog = context.state.catalog
    ratings_n2 = context.state.ratings.articles[context.rows]
    articles, surprises = context.state.choices.of(context.reader)
    by = (catalog.category, catalog.subcategory)
    category, subcategory = (_taste(codes[context.rows], codes[articles], surprises) for codes in by)
    expected = ratings_n2[:, FAST] + category + subcategory
    columns = np.column_stack((ratings_n2, expected, category, subcategory))
    return np.concatenate((columns, setwise_percentiles(columns[:, :3])), axis=1)


def _taste(mine: NDArray[np.int32], theirs: NDArray[np.int32], surprises: FloatArray) -> FloatArray:
    """Nats for each candidate [n] with codes `mine`, from surprises [e] at articles with codes `theirs`."""
    by_code = np.bincount(theirs + 1, surprises, minlength=int(mine.max(initial=-1)) + 2)
    by_code[0] = 0.0
    return np.asarray(_TASTE_RATE * by_code[mine + 1])


FAMILY = Family(
    "choices",
    (
        "rating_slow",
        "rating",
        "rating_with_taste",
        "category_taste",
        "subcategory_taste",
        "rating_slow_setwise",
        "rating_setwise",
        "rating_with_taste_setwise",
    ),
    _compute,
)
