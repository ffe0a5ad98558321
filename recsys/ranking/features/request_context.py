"""Properties of the article, the reader's habits, and the time and device of the request."""

import numpy as np

from recsys.domain import DAY, HOUR
from recsys.ranking.query import Family, FeatureInput, FloatArray

_DEVICES = {"1": 1.0, "desktop": 1.0, "2": 2.0, "mobile": 2.0, "3": 3.0, "tablet": 3.0}
_NAMES = (
    "words",
    "title_chars",
    "paid",
    "hour_of_day",
    "day_of_week",
    "history_length",
    "hours_since_last_read",
    "median_dwell",
    "device",
)


def _compute(inputs: FeatureInput) -> FloatArray:
    catalog, rows, history = inputs.state.catalog, inputs.candidates.rows, inputs.query.history
    since_read = (inputs.query.as_of - history.opened[-1]) / HOUR if len(history) else np.nan
    measured = history.seconds[np.isfinite(history.seconds)]
    columns = np.empty((len(rows), len(_NAMES)))
    columns[:, 0] = catalog.words[rows]
    columns[:, 1] = catalog.title_chars[rows]
    columns[:, 2] = catalog.paid[rows]
    columns[:, 3:] = (
        (inputs.query.as_of % DAY) / HOUR,
        (inputs.query.as_of // DAY + 4) % 7,  # 1970-01-01 was a Thursday; 0 is a Sunday
        len(history),
        since_read,
        np.median(measured) if len(measured) else np.nan,
        _DEVICES.get(inputs.query.device or "", np.nan),
    )
    return columns


FAMILY = Family("request_context", _NAMES, _compute)
