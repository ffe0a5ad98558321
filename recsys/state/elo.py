"""How strongly each article is chosen over what it was shown with: Elo ratings of articles (Elo 1978).

A choice among slate S is taken as a softmax of ratings (Plackett–Luce), weighted by the chance w that a reader
looks at the place of an article: the chosen article c was expected with
``p_c = w_c exp(r_c) / Σ_{j∈S} w_j exp(r_j)``. All ratings of S then move by ``rate · (1[j = c] − p_j)``, the
stochastic gradient of its log-likelihood. A constant rate forgets. A click-through counts a pass beside a hit and
one beside a dud alike; a rating does not. Slates whose order means nothing have w = 1 everywhere.
"""

from math import exp
from typing import cast

import numpy as np
from numpy.typing import NDArray

from recsys.state.exposures import AttributedClick
from recsys.state.flat_arrays import grow
from recsys.state.position_bias import EXAMINATION

RATES = (0.3, 1.2)
"""Nats a surprise moves a rating by, slow and fast."""

SLOW, FAST = range(2)


class EloRatings:
    """Ratings of articles [rows, rates], in nats; 0 is an article nothing is known of."""

    def __init__(self) -> None:
        self.restore(np.zeros((0, len(RATES))))

    def restore(self, articles: NDArray[np.float64]) -> None:
        """Take over the array of a snapshot."""
        self.articles = articles
        # a memoryview reads and writes single numbers several times faster than its array
        self._flat = cast("memoryview[float]", articles.reshape(-1).data)

    def reserve(self, articles: int) -> None:
        """Make room for article ids below `articles`."""
        if articles > len(self.articles):
            self.restore(grow(self.articles, articles))

    def learn(self, answer: AttributedClick | None) -> None:
        """One choice; None, and a slate of one article, were no choice."""
        if answer is None or len(answer.articles) < 2:
            return
        flat, looks = self._flat, [EXAMINATION[place] for place in answer.places]
        for column, rate in enumerate(RATES):
            cells = [len(RATES) * article + column for article in answer.articles]
            # no ratings grow so far that exp overflows: what is certain does not surprise
            weights = [look * exp(flat[cell]) for look, cell in zip(looks, cells, strict=True)]
            scale = rate / sum(weights)
            for cell, weight in zip(cells, weights, strict=True):
                flat[cell] -= scale * weight
            flat[cells[answer.chosen]] += rate
