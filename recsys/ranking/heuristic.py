"""The ranker before anything was trained: interest match, popularity and freshness, blended by hand.

Weights are in units of nats of a click's odds, set from what each is worth alone on public logs and never tuned on
the reader's publisher: train a bundle for that.
"""

import numpy as np

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.ranking_context import FloatArray

_MATCH = 8.0
_CLICKS = 0.35
_RATE = 6.0
_HALF_AGE_HOURS = 24.0
_SEEN = 0.3
_READ = 4.0


class HeuristicRanker:
    """A fixed blend of a few features. Unknown features count as zero; of an unknown article nothing is new."""

    name = "starting"
    listwise = False

    def score(self, features: FloatArray) -> FloatArray:
        """See `Ranker.score`."""

        def raw(name: str) -> FloatArray:
            return features[:, ALL_FEATURES.names.index(name)]

        def column(name: str) -> FloatArray:
            values = raw(name)
            return np.where(np.isnan(values), 0.0, values)

        described = np.isfinite(raw("title_chars"))
        return np.asarray(
            _MATCH * column("content")
            + _CLICKS * column("clicks_4h")
            + _RATE * column("ctr_12h")
            + described * np.exp2(-np.maximum(column("age"), 0) / _HALF_AGE_HOURS)
            - _SEEN * column("times_shown")
            - _READ * column("already_read")
        )
