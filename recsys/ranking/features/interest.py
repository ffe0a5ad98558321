"""Match of a candidate's text with the reader: by the preference network, by the reads, and by what was shown."""

import numpy as np

from recsys.ranking.query import Family, FeatureInput, FloatArray


def _compute(inputs: FeatureInput) -> FloatArray:
    scores = inputs.candidates.interest
    assert scores is not None
    return np.column_stack(
        [
            scores.preference,
            scores.content,
            scores.mean,
            scores.nearest,
            scores.last,
            scores.taste,
            scores.taste_expected,
            scores.passed,
            inputs.percentiles(np.column_stack((scores.preference, scores.content, scores.taste))),
        ]
    )


FAMILY = Family(
    "interest",
    (
        "preference",
        "content",
        "mean_read",
        "nearest_read",
        "last_read",
        "taste",
        "taste_expected",
        "nearest_passed",
        "preference_listwise",
        "content_listwise",
        "taste_listwise",
    ),
    _compute,
)
