"""What readers choose when they have the choice: how much an article draws everyone, and what draws this reader.

Appeal is clicks over expected clicks: those an average article would have got in the places where it was shown.
A taste is the reader's own clicks over those expected from the appeal of what they looked at, by category and by
subcategory: unlike the share of what was read, it is not large merely because much of a category is offered, or
because what is offered is good. Both are posterior means of the Gamma–Poisson model (Gelman et al., Bayesian Data
Analysis, 2.6), a subcategory shrunk toward its category and a category toward the average, told in nats.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.elo import FAST
from recsys.state.event_codes import ATTRIBUTED_CLICKS, EXAMINED
from recsys.state.exposures import ExposureOutcomes
from recsys.state.live_state import GLOBAL_GROUP, LiveState
from recsys.state.position_bias import examination_probability

_APPEAL_PRIOR = 4.0
_AFFINITY_PRIOR = 2.0
"""Expected clicks that the average weighs."""

SATISFACTION = np.asarray([0.0, 1.0, 0.7, 1.3])
"""What an exposure counts as, by outcome (`state.exposures`): a bounce says less than a reading."""

_RANKED = slice(0, 6)
"""Columns that are also told as percentiles."""


def _compute(inputs: FeatureInput) -> FloatArray:
    ratings_n2 = inputs.state.elo.articles[inputs.candidates.rows]
    appeal = np.log(_appeal(inputs.state, inputs.candidates.rows, inputs.query.as_of))
    affinity = _affinity(inputs)
    told = (
        ratings_n2,
        ratings_n2[:, FAST] + affinity.subcategory,
        appeal,
        appeal + affinity.subcategory,
        affinity.subcategory,
        affinity.category,
        affinity.expected,
        affinity.expected_total,
    )
    columns = np.column_stack(told)
    return np.concatenate((columns, inputs.percentiles(columns[:, _RANKED])), axis=1)


def _appeal(state: LiveState, rows: NDArray[np.int64], as_of: int) -> FloatArray:
    """Clicks on `rows` [n] over those expected, of the last weeks."""
    clicks, looks = state.counters.read_longest(rows, (ATTRIBUTED_CLICKS, EXAMINED), as_of).T
    return np.asarray((clicks + _APPEAL_PRIOR) / (looks * _average(state) + _APPEAL_PRIOR))


def expected_clicks(state: LiveState, met: ExposureOutcomes, as_of: int) -> FloatArray:
    """Clicks that the appeal of what was `met` [e], and its places, let expect of anyone."""
    return np.asarray(examination_probability(met.place) * _average(state) * _appeal(state, met.article, as_of))


def _average(state: LiveState) -> float:
    """Clicks for every look at an article, over all articles in the last weeks."""
    clicks, looks = state.counters.groups[GLOBAL_GROUP, (ATTRIBUTED_CLICKS, EXAMINED), -1]
    return float(clicks / looks) if looks > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Affinity:
    """All [n]. category, subcategory: nats; expected: clicks expected in the subcategory, and in all."""

    category: FloatArray
    subcategory: FloatArray
    expected: FloatArray
    expected_total: FloatArray


def _affinity(inputs: FeatureInput) -> _Affinity:
    state, rows = inputs.state, inputs.candidates.rows
    met = state.exposures.outcomes(inputs.query.reader)
    expected = expected_clicks(state, met, inputs.query.as_of)
    clicks = SATISFACTION[met.outcome]
    by_category, in_category = _by_code(state.catalog.category, rows, met.article, clicks, expected)
    category = (by_category + _AFFINITY_PRIOR) / (in_category + _AFFINITY_PRIOR)
    by_subcategory, in_subcategory = _by_code(state.catalog.subcategory, rows, met.article, clicks, expected)
    subcategory = (by_subcategory + _AFFINITY_PRIOR * category) / (in_subcategory + _AFFINITY_PRIOR)
    everything = np.full(len(rows), expected.sum())
    return _Affinity(np.log(category), np.log(subcategory), in_subcategory, everything)


def _by_code(
    codes: NDArray[np.int32],
    rows: NDArray[np.int64],
    articles: NDArray[np.int64],
    clicks: FloatArray,
    expected: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Sums of `clicks` [e] and of `expected` [e] over those `articles` [e] that share the code of each row [n]."""
    mine, theirs = codes[rows] + 1, codes[articles] + 1
    sums_2c = [np.bincount(theirs, part, minlength=int(mine.max(initial=0)) + 1) for part in (clicks, expected)]
    clicked, looked = (np.where(mine > 0, sums_c[mine], 0.0) for sums_c in sums_2c)
    return clicked, looked


FAMILY = Family(
    "relative_appeal",
    (
        "elo_slow",
        "elo",
        "elo_with_affinity",
        "appeal",
        "appeal_with_affinity",
        "subcategory_affinity",
        "category_affinity",
        "subcategory_expected",
        "reader_expected",
        "elo_slow_listwise",
        "elo_listwise",
        "elo_with_affinity_listwise",
        "appeal_listwise",
        "appeal_with_affinity_listwise",
        "subcategory_affinity_listwise",
    ),
    _compute,
)
