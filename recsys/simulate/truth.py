"""True click model of the simulation. Rankers have to learn it; the log does not contain it."""

import numpy as np

from recsys.domain import HOUR
from recsys.simulate.newsroom import Floats, Ints, Newsroom
from recsys.simulate.readers import POSITION_BIAS, Readers

BASE = -1.3  # log-odds of a click on an average, brand-new article on top of the page
APPEAL_WEIGHT = 0.7
FRESHNESS_WEIGHT = 0.6
STALEST = 4.0  # half-lives after which age no longer matters
NOISY_INTEREST = 0.25  # factor on the interest of a noisy clicker
NOISY_CLICKBAIT = 2.2  # log-odds that clickbait adds for a noisy clicker
PLAIN_CLICKBAIT = 0.4


def interest(readers: Readers, newsroom: Newsroom, reader: Ints, article: Ints) -> Floats:
    """Return the log-ratio of a reader's affinity for the topic to an even one.

    0 is average. Shape of the indices.
    """
    affinity = readers.affinity[reader, newsroom.topic[article]]
    return np.asarray(np.log(affinity * readers.affinity.shape[1]), dtype=np.float64)


def click_logit(readers: Readers, newsroom: Newsroom, reader: Ints, article: Ints, at: Ints) -> Floats:
    """Return the log-odds of a click, given that the reader looks at the article: affinity, appeal and freshness.

    The position is not included: it belongs to the page, not to the article.

    Args:
        readers: all readers.
        newsroom: all articles.
        reader: indices of `readers`, broadcast with the other indices.
        article: indices of `newsroom`.
        at: microseconds.
    """
    noisy = readers.noisy[reader]
    age = (at - newsroom.published_at[article]) / HOUR / newsroom.half_life[article]
    affinity = interest(readers, newsroom, reader, article) * np.where(noisy, NOISY_INTEREST, 1.0)
    bait = newsroom.clickbait[article] * np.where(noisy, NOISY_CLICKBAIT, PLAIN_CLICKBAIT)
    fading = FRESHNESS_WEIGHT * np.clip(age, 0, STALEST)
    return np.asarray(BASE + affinity + APPEAL_WEIGHT * newsroom.appeal[article] + bait - fading, dtype=np.float64)


def examination(position: Ints, exponent: float = POSITION_BIAS) -> Floats:
    """Return the examination probability of a position, 1 at the top: (1 + position)^−exponent.

    The position-based model of Craswell et al. (2008), with the power law of Joachims et al. (2017).
    """
    return np.asarray((1.0 + position) ** -exponent, dtype=np.float64)


def chance(logit: Floats) -> Floats:
    """Return the probability for log-odds."""
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float64)
