"""The article itself, the reader's habit, and the moment."""

import numpy as np

from recsys.domain import DAY, HOUR
from recsys.reranker.context import Family, FloatArray, RankingContext

_DEVICES = {"1": 1.0, "desktop": 1.0, "2": 2.0, "mobile": 2.0, "3": 3.0, "tablet": 3.0}


def _compute(context: RankingContext) -> FloatArray:
    catalog, rows, history = context.state.catalog, context.rows, context.history
    since_read = (context.as_of - history.opened[-1]) / HOUR if len(history) else np.nan
    moment = [
        (context.as_of % DAY) / HOUR,
        (context.as_of // DAY + 4) % 7,  # 1970-01-01 was a Thursday; 0 is a Sunday
        float(len(history)),
        since_read,
        np.nanmedian(history.seconds) if np.isfinite(history.seconds).any() else np.nan,
        _DEVICES.get(context.device or "", np.nan),
    ]
    return np.column_stack(
        [
            catalog.words[rows],
            catalog.title_chars[rows],
            catalog.paid[rows],
            *(np.full(len(rows), value) for value in moment),
        ]
    )


FAMILY = Family(
    "circumstance",
    (
        "words",
        "title_chars",
        "paid",
        "hour_of_day",
        "day_of_week",
        "history_length",
        "hours_since_last_read",
        "median_dwell",
        "device",
    ),
    _compute,
)
