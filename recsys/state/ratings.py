"""How strongly each article is chosen over what it was shown with: Elo ratings of articles (Elo 1978).

A choice among slate S is taken as a softmax of ratings (Plackett–Luce): the chosen article c was expected with
``p_c = exp(r_c) / Σ_{j∈S} exp(r_j)``. All ratings of S then move by ``rate · (1[j = c] − p_j)``, the stochastic
gradient of its log-likelihood. A constant rate forgets. A click-through counts a pass beside a hit and a pass
beside a dud alike; a rating does not.
"""

import numpy as np
from numpy.typing import NDArray

from recsys.state.growing import grown

RATES = (0.3, 1.2)
"""Nats a surprise moves a rating by, slow and fast."""

SLOW, FAST = range(2)


class Ratings:
    """Ratings of articles [rows, rates], in nats; 0 is an article nothing is known of."""

    def __init__(self) -> None:
        self.articles: NDArray[np.float64] = np.zeros((0, len(RATES)))

    def reserve(self, articles: int) -> None:
        """Make room for article ids below `articles`."""
        self.articles = grown(self.articles, articles)

    def learn(self, slate: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """One choice from `slate` (distinct articles [n]); `chosen` [n] marks it.

        Returns:
            How surprising it was for each of them, 1[chosen] − p by the fast ratings [n]; sums to 0.
        """
        ratings = self.articles[slate]
        # no ratings grow so far that exp overflows: what is certain does not surprise
        weights = np.exp(ratings)
        surprise = chosen[:, None] - weights / np.add.reduce(weights)
        self.articles[slate] = ratings + RATES * surprise
        return np.asarray(surprise[:, FAST])
