"""Protocol of rankers, and the ranker that serves before training."""

from typing import Protocol

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray


class Ranker(Protocol):
    """Map from features [n, f] of `feature_set.ALL_FEATURES` to scores [n]; larger is better.

    listwise: True if it uses columns that depend on the other candidates; if False, these may be NaN.
    """

    name: str
    listwise: bool

    def score(self, features: FloatArray) -> FloatArray:
        """Score each row independently: rows may belong to several requests."""
        ...


_MATCH = 8.0
_CLICKS = 0.35
_CLICK_RATE = 6.0
_HALF_AGE_HOURS = 24.0
_TIMES_SHOWN = 0.3
_ALREADY_READ = 4.0


class HeuristicRanker:
    """Fixed blend of interest match, popularity and freshness, for publishers without a trained bundle.

    Weights are in nats of the odds of a click. They were set on public logs, not tuned on the publisher's log.
    An unknown feature counts as zero; an unknown article counts as old.
    """

    name = "starting"
    listwise = False

    def score(self, features: FloatArray) -> FloatArray:
        """Implement `Ranker.score`."""

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
