"""Relation of a candidate to the article on whose page it is shown. All NaN on a front page."""

import numpy as np

from recsys.domain import HOUR
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.catalog import NEVER
from recsys.state.elo import FAST

_NAMES = (
    "is_context_article",
    "same_category_as_context",
    "same_subcategory_as_context",
    "context_elo",
    "context_age",
)


def _compute(inputs: FeatureInput) -> FloatArray:
    state, rows, page = inputs.state, inputs.candidates.rows, inputs.query.context_article
    columns = np.full((len(rows), len(_NAMES)), np.nan)
    if page < 0:
        return columns
    columns[:, 0] = rows == page
    for column, codes in ((1, state.catalog.category), (2, state.catalog.subcategory)):
        columns[:, column] = (codes[rows] == codes[page]) & (codes[page] >= 0)
    columns[:, 3] = state.elo.articles[page, FAST]
    since = int(state.available_since(np.asarray([page]))[0])
    columns[:, 4] = np.nan if since == NEVER else (inputs.query.as_of - since) / HOUR
    return columns


FAMILY = Family("context_article", _NAMES, _compute)
