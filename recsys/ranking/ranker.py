"""The port of every ranker, and the ranker that serves before anything was trained."""

from typing import Protocol

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray


class Ranker(Protocol):
    """Features [n, f] of `feature_set.ALL_FEATURES` → scores [n], larger is better.

    listwise: True if it uses columns that depend on the other candidates; if False, they may be NaN.
    """

    name: str
    listwise: bool

    def score(self, features: FloatArray) -> FloatArray:
        """Score each row by itself: rows of several requests may come together."""
        ...


_MATCH = 8.0
_CLICKS = 0.35
_CLICK_RATE = 6.0
_HALF_AGE_HOURS = 24.0
_TIMES_SHOWN = 0.3
_ALREADY_READ = 4.0


class HeuristicRanker:
    """A fixed blend of interest match, popularity and freshness, for a publisher without a trained bundle.

    Weights are in nats of a click's odds. They were set on public logs, and never tuned on the publisher's own log.
    An unknown feature counts as zero; an unknown article is not new.
    """

    name = "starting"
    listwise = False

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`."""

        def raw(name: str) -> FloatArray:
            return features[:, ALL_FEATURES.names.index(name)]

        def column(name: str) -> FloatArray:
            values = raw(name)
            return np.where(np.isnan(values), 0.0, values)

        known = np.isfinite(raw("title_chars"))
        return np.asarray(
            _MATCH * column("content")
            + _CLICKS * column("clicks_4h")
            + _CLICK_RATE * column("ctr_12h")
            + known * np.exp2(-np.maximum(column("age"), 0) / _HALF_AGE_HOURS)
            - _TIMES_SHOWN * column("times_shown")
            - _ALREADY_READ * column("already_read")
        )
