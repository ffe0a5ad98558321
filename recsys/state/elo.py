"""Elo ratings of articles (Elo 1978), learned from the clicks on slates.

A click on slate S is modelled as a choice by softmax of ratings (Plackett–Luce), weighted by the examination
probability w of each place: the clicked article c was expected with
``p_c = w_c exp(r_c) / Σ_{j∈S} w_j exp(r_j)``. All ratings of S then move by ``rate · (1[j = c] − p_j)``, the
stochastic gradient of the log-likelihood. A constant rate forgets old clicks. A click-through rate does not depend
on the strength of the other candidates; a rating does. Slates without a meaningful order have w = 1 everywhere.
"""

from math import exp
from typing import cast

import numpy as np
from numpy.typing import NDArray

from recsys.state.exposures import AttributedClick
from recsys.state.flat_arrays import grow
from recsys.state.position_bias import EXAMINATION

RATES = (0.3, 1.2)
"""Step of a rating in nats, slow and fast."""

SLOW, FAST = range(2)


class EloRatings:
    """Ratings of articles [rows, rates], in nats; 0 for an article without clicks."""

    def __init__(self) -> None:
        self.restore(np.zeros((0, len(RATES))))

    def restore(self, articles: NDArray[np.float64]) -> None:
        """Load the array of a snapshot."""
        self.articles = articles
        # a memoryview reads and writes single numbers several times faster than its array
        self._flat = cast("memoryview[float]", articles.reshape(-1).data)

    def reserve(self, articles: int) -> None:
        """Make room for article ids below `articles`."""
        if articles > len(self.articles):
            self.restore(grow(self.articles, articles))

    def learn(self, click: AttributedClick | None) -> None:
        """Update the ratings of one slate; None, and a slate of one article, change nothing."""
        if click is None or len(click.articles) < 2:
            return
        flat, examined = self._flat, [EXAMINATION[place] for place in click.places]
        for column, rate in enumerate(RATES):
            cells = [len(RATES) * article + column for article in click.articles]
            # exp cannot overflow: the step of a rating vanishes as the click gets certain
            weights = [look * exp(flat[cell]) for look, cell in zip(examined, cells, strict=True)]
            scale = rate / sum(weights)
            for cell, weight in zip(cells, weights, strict=True):
                flat[cell] -= scale * weight
            flat[cells[click.chosen]] += rate
