"""Weights of candidates for a training on clicks that answer to the place, not only to the article.

A skip where few readers look says little. A pair of a clicked and a skipped candidate therefore counts by the
examination of the skipped one. Then a pair in one order, and the same articles at each other's places, count in
proportion to their relevance alone: the examination of both places is a common factor (overlap weights: Li, Morgan
and Zaslavsky 2018). Inverse weights (Joachims et al. 2017; Wang et al. 2018) are right too, but one click far down
can outweigh a hundred others: docs/log/position-bias.md compares both.

LightGBM multiplies the gradient of a candidate, the sum over its pairs, by a weight. So a skipped candidate gets
its examination, and a clicked one the mean examination of the skipped ones of its slate.
"""

from dataclasses import replace

import numpy as np

from recsys.ranking.lambdamart import RankingData
from recsys.ranking.query import FloatArray
from recsys.training.examination_curve import ExaminationCurve, positions_of


def weighted(data: RankingData, curve: ExaminationCurve) -> RankingData:
    """Return the slates with weights by `curve`; their mean is 1."""
    look, clicked = curve.at(positions_of(data)), data.labels > 0
    slate, count = np.repeat(np.arange(len(data.sizes)), data.sizes), len(data.sizes)
    skips = np.bincount(slate, ~clicked, minlength=count)
    skipped = np.bincount(slate, np.where(clicked, 0.0, look), minlength=count) / np.maximum(skips, 1)
    weights = np.where(clicked, skipped[slate], look)
    return replace(data, weights=np.asarray(weights / weights.mean()))


def examined_auc(scores: FloatArray, data: RankingData, curve: ExaminationCurve) -> FloatArray:
    """Return the chance [q] that a clicked candidate scores above a skipped one, each skip by its examination.

    Unlike a plain AUC it does not favour the order in which the slate was shown. A tie counts half; NaN without
    both kinds of candidates.
    """
    slate, clicked = np.repeat(np.arange(len(data.sizes)), data.sizes), data.labels > 0
    look = np.where(clicked, 0.0, curve.at(positions_of(data)))
    order = np.lexsort((scores, slate))
    below = np.zeros(len(scores))
    below[order] = np.cumsum(look[order]) - look[order]  # over all slates so far, worst score first
    group = np.concatenate([[0], np.cumsum((np.diff(scores[order]) != 0) | (np.diff(slate[order]) != 0))])
    equal = np.zeros(len(scores))
    equal[order] = np.bincount(group, look[order])[group]
    first = np.zeros(len(scores))
    first[order] = np.minimum.reduceat(below[order], np.flatnonzero(np.diff(group, prepend=-1)))[group]
    total = np.bincount(slate, look, minlength=len(data.sizes))
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    wins = np.bincount(slate, clicked * (first - before[slate] + equal / 2), minlength=len(data.sizes))
    pairs = np.bincount(slate, clicked, minlength=len(data.sizes)) * total
    return np.asarray(np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))
