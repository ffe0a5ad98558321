"""What a candidate has to do with the article whose page it is to be shown on. On a front page all is NaN."""

import numpy as np

from recsys.domain import HOUR
from recsys.ranking.ranking_context import Family, FloatArray, RankingContext
from recsys.state.catalog import NEVER
from recsys.state.elo import FAST

_NAMES = ("on_its_page", "same_category_as_page", "same_subcategory_as_page", "page_rating", "page_age")


def _compute(context: RankingContext) -> FloatArray:
    state, rows, page = context.state, context.rows, context.page
    columns = np.full((len(rows), len(_NAMES)), np.nan)
    if page < 0:
        return columns
    columns[:, 0] = rows == page
    for column, codes in ((1, state.catalog.category), (2, state.catalog.subcategory)):
        columns[:, column] = (codes[rows] == codes[page]) & (codes[page] >= 0)
    columns[:, 3] = state.ratings.articles[page, FAST]
    since = int(state.available_since(np.asarray([page]))[0])
    columns[:, 4] = np.nan if since == NEVER else (context.as_of - since) / HOUR
    return columns


FAMILY = Family("page", _NAMES, _compute)
