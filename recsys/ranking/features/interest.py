"""Match of a candidate's text with the reads: by the preference network and by the untrained matcher."""

import numpy as np

from recsys.ranking.query import Family, FeatureInput, FloatArray


def _compute(inputs: FeatureInput) -> FloatArray:
    scores = inputs.candidates.interest
    assert scores is not None
    return np.column_stack(
        [
            scores.preference,
            scores.content,
            scores.nearest,
            scores.last,
            inputs.percentiles(np.column_stack((scores.preference, scores.content))),
        ]
    )


FAMILY = Family(
    "interest",
    ("preference", "content", "nearest_read", "last_read", "preference_listwise", "content_listwise"),
    _compute,
)
