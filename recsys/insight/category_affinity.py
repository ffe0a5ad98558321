"""Category affinity of a reader, relative to the articles shown.

A reader's clicks on shown articles are divided by the clicks expected of an average reader on them, given appeal
and place; a click with a long dwell counts more than a bounce (`ranking.features.relative_appeal`). Reads of
articles that were not shown count as clicks with expectation zero. So a category is not large merely because it is
shown often, and a category that is skipped is small although some of it was read. On simulated readers this finds
the planted interests better than the weights of past reads do: docs/log/.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.ranking.features.relative_appeal import SATISFACTION, expected_clicks
from recsys.state.live_state import LiveState

_PRIOR = 4.0
"""Expected clicks, as weight of the average."""


def category_affinities(
    state: LiveState, reader: int, read: NDArray[np.int64], as_of: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the categories [k] that `reader` (a dense id) was shown or read, and the affinity for each [k].

    An affinity is clicks over expected clicks: 1 is average. `read`: dense ids of the reads [h]. Readers without
    clicks have no affinities.
    """
    exposures = state.exposures.outcomes(reader)
    not_shown = read[~np.isin(read, exposures.article)]
    articles = np.concatenate((exposures.article, not_shown))
    clicks = np.concatenate((SATISFACTION[exposures.outcome], np.ones(len(not_shown))))
    expected = np.concatenate((expected_clicks(state, exposures, as_of), np.zeros(len(not_shown))))
    codes = state.catalog.category[articles]
    known = (codes >= 0) & bool(clicks.any())
    categories, place = np.unique(codes[known], return_inverse=True)
    observed, offered = (np.bincount(place, part[known], len(categories)) for part in (clicks, expected))
    return categories.astype(np.int64), np.asarray((observed + _PRIOR) / (offered + _PRIOR))
