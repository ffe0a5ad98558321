"""Earlier exposures of this reader to this article: times shown, time since, and whether it was read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import HOUR
from recsys.ranking.query import Family, FeatureInput, FloatArray


def _compute(inputs: FeatureInput) -> FloatArray:
    shown, when = inputs.state.exposures.of(inputs.query.reader)
    # newest first, so that the first exposure of an article is its latest
    articles, latest, counts = np.unique(shown[::-1], return_index=True, return_counts=True)
    place, was_shown = _places(articles, inputs.candidates.rows)
    since = (inputs.query.as_of - when[::-1][latest]) / HOUR
    return np.column_stack(
        [
            np.where(was_shown, _pick(counts, place), 0.0),
            np.where(was_shown, _pick(since, place), np.nan),
            _places(np.sort(inputs.query.interactions), inputs.candidates.rows)[1],
        ]
    )


def _places(sorted_ids: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the index of each of `rows` [n] in `sorted_ids`, and whether it is there [n]."""
    place = np.searchsorted(sorted_ids, rows)
    return place, np.searchsorted(sorted_ids, rows, side="right") > place


def _pick(values: NDArray[Any], place: NDArray[np.intp]) -> NDArray[Any]:
    """Return `values` at `place`; 0 beyond the end."""
    return np.append(values, 0)[place]


FAMILY = Family("user_item_exposure", ("times_shown", "hours_since_shown_to_reader", "already_read"), _compute)
