"""Appeal of an article to all readers, and the reader's affinity, both relative to what was offered.

Appeal is clicks over expected clicks: those of an average article in the places where it was shown. Affinity is
the reader's own clicks over the clicks expected from the appeal of the examined articles, by category and
subcategory: unlike the share of reads, it is not large merely because a category is offered often or its articles
are good. Both are posterior means of the Gamma–Poisson model (Gelman et al., Bayesian Data Analysis, 2.6), in
nats; a subcategory is shrunk toward its category and a category toward the average.
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
"""Expected clicks, as weight of the average."""

SATISFACTION = np.asarray([0.0, 1.0, 0.7, 1.3])
"""Value of an exposure, by outcome (`state.exposures`): a bounce counts less than a read."""

_RANKED = slice(0, 6)
"""Columns that also have a percentile column."""


def _compute(inputs: FeatureInput) -> FloatArray:
    ratings_n2 = inputs.state.elo.articles[inputs.candidates.rows]
    appeal = np.log(_appeal(inputs.state, inputs.candidates.rows, inputs.query.as_of))
    affinity = _affinity(inputs)
    raw = (
        ratings_n2,
        ratings_n2[:, FAST] + affinity.subcategory,
        appeal,
        appeal + affinity.subcategory,
        affinity.subcategory,
        affinity.category,
        affinity.expected,
        affinity.expected_total,
    )
    columns = np.column_stack(raw)
    return np.concatenate((columns, inputs.percentiles(columns[:, _RANKED])), axis=1)


def _appeal(state: LiveState, rows: NDArray[np.int64], as_of: int) -> FloatArray:
    """Return clicks over expected clicks [n] of articles `rows` [n], over the last weeks."""
    clicks, looks = state.counters.read_longest(rows, (ATTRIBUTED_CLICKS, EXAMINED), as_of).T
    return np.asarray((clicks + _APPEAL_PRIOR) / (looks * _average(state) + _APPEAL_PRIOR))


def expected_clicks(state: LiveState, exposures: ExposureOutcomes, as_of: int) -> FloatArray:
    """Return the clicks [e] of an average reader on `exposures`, given the places and appeal of the articles."""
    appeal = _appeal(state, exposures.article, as_of)
    return np.asarray(examination_probability(exposures.place) * _average(state) * appeal)


def _average(state: LiveState) -> float:
    """Return clicks per examined impression, over all articles in the last weeks."""
    clicks, looks = state.counters.groups[GLOBAL_GROUP, (ATTRIBUTED_CLICKS, EXAMINED), -1]
    return float(clicks / looks) if looks > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Affinity:
    """Affinities, all [n]. category, subcategory: nats; expected: clicks expected in the subcategory, in total."""

    category: FloatArray
    subcategory: FloatArray
    expected: FloatArray
    expected_total: FloatArray


def _affinity(inputs: FeatureInput) -> _Affinity:
    state, rows = inputs.state, inputs.candidates.rows
    exposures = state.exposures.outcomes(inputs.query.reader)
    expected = expected_clicks(state, exposures, inputs.query.as_of)
    clicks = SATISFACTION[exposures.outcome]
    by_category, in_category = _by_code(state.catalog.category, rows, exposures.article, clicks, expected)
    category = (by_category + _AFFINITY_PRIOR) / (in_category + _AFFINITY_PRIOR)
    by_subcategory, in_subcategory = _by_code(state.catalog.subcategory, rows, exposures.article, clicks, expected)
    subcategory = (by_subcategory + _AFFINITY_PRIOR * category) / (in_subcategory + _AFFINITY_PRIOR)
    total = np.full(len(rows), expected.sum())
    return _Affinity(np.log(category), np.log(subcategory), in_subcategory, total)


def _by_code(
    codes: NDArray[np.int32],
    rows: NDArray[np.int64],
    articles: NDArray[np.int64],
    clicks: FloatArray,
    expected: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return sums of `clicks` [e] and `expected` [e] over the `articles` [e] with the code of each row [n]."""
    row_codes, article_codes = codes[rows] + 1, codes[articles] + 1
    length = int(row_codes.max(initial=0)) + 1
    sums_2c = [np.bincount(article_codes, part, minlength=length) for part in (clicks, expected)]
    clicked, examined = (np.where(row_codes > 0, sums_c[row_codes], 0.0) for sums_c in sums_2c)
    return clicked, examined


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
