"""Examination probability by place, learned from the clicks of a log.

Position-based model: ``E[click] = examination(place) · relevance(features)``. Both are fitted in turn by maximum
(quasi-Poisson) likelihood: the relevance by trees, with the examination as offset; the examination in closed form,
as clicks over expected clicks. This is the model of regression EM (Wang et al. 2018, "Position bias estimation for
unbiased learning to rank in personal search") without hidden clicks, so a few rounds are enough. Slates without a
click may be missing: that multiplies the chances of all places of a slate by the same number.

Trees of few rounds tell good and bad articles apart too little, and an older ranker put the good ones on top, so
places would get the credit. Therefore the examination comes from a regression that also has the place where
articles with such features usually are: what remains of the place is chance (Robinson 1988; Chernozhukov et al.
2018, "Double/debiased machine learning").

The relevance of a slate comes from trees that were trained on other slates. Without that, trees that remember
single clicks would explain all of them, and every place would look alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.features.position import POSITION
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.ranking.lightgbm_import import lgb
from recsys.ranking.query import FloatArray
from recsys.state.position_bias import MOST_PLACES as ASSUMED_PLACES
from recsys.state.position_bias import examination_probability

LEAST_SLATES, LEAST_CLICKS = 500, 20
"""Smallest numbers of ordered slates of a log, and of clicks from a place on: deeper places share its value."""

MOST_SLATES = 5_000
"""Number of newest ordered slates that are used, which bounds the time."""

MOST_PLACES = 30
_ROUNDS, _TREES, _RATE = 5, 30, 0.2
_STEPS = 8
_LEAST = 0.01  # examination of any place
_RELEVANCE = ALL_FEATURES.pointwise().without(POSITION)


@dataclass(frozen=True, slots=True)
class ExaminationCurve:
    """Examination [places] by place from 1, relative to the first; deeper places have the last value."""

    values: FloatArray

    @classmethod
    def assumed(cls) -> "ExaminationCurve":
        """Return the curve of `state.position_bias`, which is not learned."""
        return cls(examination_probability(np.arange(1, ASSUMED_PLACES + 1)))

    def at(self, positions: FloatArray) -> FloatArray:
        """Return the examination of `positions` [n] from 0; 1 where there is none (NaN)."""
        return np.asarray(np.where(np.isnan(positions), 1.0, self.values[_places(positions, len(self.values))]))


def learn_examination(data: RankingData, config: LambdaMartConfig) -> ExaminationCurve | None:
    """Return the curve that explains the clicks best; None with too few ordered slates or clicks.

    The curve never rises with the place: places with few clicks share a value (isotonic regression).
    """
    ordered = _newest_ordered(data)
    if len(ordered.sizes) < LEAST_SLATES:
        return None
    clicked = (ordered.labels > 0).astype(np.float64)
    length = _known_places(positions_of(ordered), clicked)
    if length < 2:
        return None
    places = _places(positions_of(ordered), length)
    curve = examination_probability(np.arange(1, length + 1))
    halves = _halves(ordered, clicked)
    usual = _usual_places(ordered, places, config)
    for _ in range(_ROUNDS):
        relevance = np.zeros(len(places))
        for half in halves:
            relevance[half.others] = half.fitted(curve[places][half.own], config)(half.unseen)
        columns = np.column_stack([np.log(relevance), usual, usual**2])
        curve = _falling(*_shares(places, clicked, columns))
    return ExaminationCurve(curve)


def click_likelihoods(
    early: RankingData, late: RankingData, curves: Sequence[ExaminationCurve], config: LambdaMartConfig
) -> list[FloatArray]:
    """Return, for each curve, the quasi-Poisson log-likelihood of the clicks of each slate of `late` [q].

    The relevance comes from trees of `early`, whose candidates are binned once for all curves.
    """
    everything = np.ones(len(early.labels), dtype=np.bool_)
    binned = _Half.of(_columns(early), (early.labels > 0).astype(np.float64), everything)
    columns, first = _columns(late), np.cumsum(late.sizes) - late.sizes
    found: list[FloatArray] = []
    for curve in curves:
        relevance = binned.fitted(curve.at(positions_of(early)), config)(columns)
        expected = np.maximum(curve.at(positions_of(late)) * relevance, 1e-12)
        fit: FloatArray = (late.labels > 0) * np.log(expected) - expected
        found.append(np.asarray(np.add.reduceat(fit, first)))
    return found


def positions_of(data: RankingData) -> FloatArray:
    """Return the positions [N] from 0 of the candidates in their logged slates, NaN without an order."""
    return np.asarray(data.features[:, ALL_FEATURES.names.index(POSITION)])


def _newest_ordered(data: RankingData) -> RankingData:
    first = np.cumsum(data.sizes) - data.sizes
    chosen = np.flatnonzero(~np.isnan(positions_of(data)[first]))[-MOST_SLATES:]
    mask = np.zeros(len(data.sizes), dtype=np.bool_)
    mask[chosen] = True
    rows = np.repeat(mask, data.sizes)
    return RankingData(data.features[rows], data.labels[rows], data.sizes[chosen])


def _known_places(positions: FloatArray, clicked: FloatArray) -> int:
    """Return the number of places whose own or deeper clicks are enough."""
    clicks = np.bincount(_places(positions, MOST_PLACES), clicked, minlength=MOST_PLACES)
    return int(np.count_nonzero(np.cumsum(clicks[::-1])[::-1] >= LEAST_CLICKS))


def _places(positions: FloatArray, length: int) -> NDArray[np.int64]:
    """Return an index of a curve with `length` values for each position [n]; 0 for NaN."""
    return np.minimum(np.nan_to_num(positions), length - 1).astype(np.int64)


def _columns(data: RankingData) -> FloatArray:
    return np.asarray(data.features[:, ALL_FEATURES.columns_of(_RELEVANCE)])


@dataclass(frozen=True, slots=True)
class _Half:
    """Candidates to train on, binned once. own, others: masks [N]; unseen: columns of the others."""

    own: NDArray[np.bool_]
    others: NDArray[np.bool_]
    clicked: FloatArray
    binned: lgb.Dataset
    unseen: FloatArray

    @classmethod
    def of(cls, columns: FloatArray, clicked: FloatArray, own: NDArray[np.bool_]) -> "_Half":
        binned = lgb.Dataset(columns[own], clicked[own], free_raw_data=False, params={"verbosity": -1})
        return cls(own, ~own, clicked[own], binned, columns[~own])

    def fitted(self, look: FloatArray, config: LambdaMartConfig) -> Callable[[FloatArray], FloatArray]:
        """Return a function from columns [n, f] to the expected clicks [n] of fully examined candidates.

        look: examination of the own candidates.
        """
        level = np.log(max(self.clicked.sum() / look.sum(), 1e-12))
        self.binned.set_init_score(np.log(look) + level)
        booster = lgb.train(_parameters(config), self.binned, _TREES)
        return lambda rows: np.asarray(np.exp(booster.predict(rows, raw_score=True, num_threads=1) + level))


def _halves(data: RankingData, clicked: FloatArray) -> list[_Half]:
    """Return every other slate, and the rest."""
    odd = np.repeat(np.arange(len(data.sizes)) % 2 == 1, data.sizes)
    columns = _columns(data)
    return [_Half.of(columns, clicked, own) for own in (odd, ~odd)]


def _parameters(config: LambdaMartConfig) -> dict[str, Any]:
    of_ranking = ("metric", "eval_at", "label_gain", "lambdarank_truncation_level")
    shared = {name: value for name, value in config.parameters().items() if name not in of_ranking}
    own = {"objective": "poisson", "learning_rate": _RATE, "boost_from_average": False}
    return {**shared, **own}


def _usual_places(data: RankingData, places: NDArray[np.int64], config: LambdaMartConfig) -> FloatArray:
    """Return the place [N] where such candidates usually are, from 0 to 1, by trees of other slates."""
    share = places / places.max()
    usual = np.zeros(len(share))
    parameters = {**_parameters(config), "objective": "regression", "boost_from_average": True}
    for half in _halves(data, share):
        usual[half.others] = lgb.train(parameters, half.binned, _TREES).predict(half.unseen, num_threads=1)
    return usual


def _shares(places: NDArray[np.int64], clicked: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return clicks over expected clicks by place, and the expected ones: a Poisson regression with K `columns`.

    The levels of places are exact in each step of Newton's method, only the K coefficients are searched for.
    """
    clicks, coefficients = np.bincount(places, clicked), np.zeros(columns.shape[1])
    coefficients[0] = 1.0
    for _ in range(_STEPS):
        worth = np.exp(columns @ coefficients)
        expected = (clicks / np.bincount(places, worth))[places] * worth
        total = np.maximum(np.bincount(places, expected), 1e-12)
        means = np.stack([np.bincount(places, expected * column) / total for column in columns.T], axis=1)
        away = columns - means[places]
        information = away.T @ (away * expected[:, None]) + 1e-9 * np.eye(len(coefficients))
        coefficients += np.clip(np.linalg.solve(information, away.T @ (clicked - expected)), -0.5, 0.5)
    worth = np.bincount(places, np.exp(columns @ coefficients))
    return clicks / worth, worth.astype(np.float64)


def _falling(curve: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the nearest curve that never rises, 1 at the first place."""
    places = np.arange(len(curve))
    fitted = IsotonicRegression(increasing=False).fit_transform(places, curve, sample_weight=weights)
    return np.asarray(np.maximum(fitted / max(fitted[0], 1e-12), _LEAST))
