"""What a reader takes of what they are offered: their taste for each category.

Clicks on what they were shown are set against the clicks that its appeal let expect of anyone, both of all that is
kept of them; a click that was read counts more than one that was left at once (`ranking.features.relative_appeal`). What
they read without having been shown it counts as a click nobody expected. So a category is not large merely because
much of it is offered, and one that is passed over is small although some of it was read. On simulated readers this
finds planted interests better than the weights of past reads do: docs/log/.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.ranking.features.relative_appeal import SATISFACTION, expected_clicks
from recsys.state.live_state import LiveState

_PRIOR = 4.0
"""Expected clicks that the average weighs."""


def category_affinities(
    state: LiveState, reader: int, read: NDArray[np.int64], as_of: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Categories [k] that `reader` (a dense id) was shown or read, and their taste for each.

    Tastes [k] are clicks over those expected of anyone: 1 is average. `read`: dense ids of their readings [h]. Who
    took nothing yet has told no taste.
    """
    met = state.exposures.outcomes(reader)
    elsewhere = read[~np.isin(read, met.article)]
    articles = np.concatenate((met.article, elsewhere))
    clicks = np.concatenate((SATISFACTION[met.outcome], np.ones(len(elsewhere))))
    expected = np.concatenate((expected_clicks(state, met, as_of), np.zeros(len(elsewhere))))
    codes = state.catalog.category[articles]
    known = (codes >= 0) & bool(clicks.any())
    categories, place = np.unique(codes[known], return_inverse=True)
    taken, offered = (np.bincount(place, part[known], len(categories)) for part in (clicks, expected))
    return categories.astype(np.int64), np.asarray((taken + _PRIOR) / (offered + _PRIOR))
