"""Weights of the preference network's own match and of evidence, fitted on slates that it was not trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recsys.user_model.preference_data import PreferenceData, sample_pairs

_NEGATIVES = 4
_LEAST_CLICKS = 50
"""Fewer clicks decide nothing: the network's own match stays alone."""

_INVERSE_REGULARISATION = 10.0


def fitted_evidence(
    data: PreferenceData, slates: NDArray[np.int64], own: Sequence[NDArray[np.float64]], seed: int
) -> NDArray[np.float32] | None:
    """Return the weights [1 + E] of the own match and of each evidence; None with too few clicks.

    own: the network's own logits of all candidates of each of `slates` [s]. A logistic regression on differences
    of a clicked and an unclicked candidate of one slate, which is the conditional logit (McFadden 1974) of pairs.
    """
    which, places = sample_pairs(data, slates, _NEGATIVES, np.random.default_rng(seed))
    if len(which) < _LEAST_CLICKS:
        return None
    columns = np.zeros((len(data.candidates), 1 + data.evidence.shape[1]))
    columns[:, 1:] = data.evidence
    for slate, logits in zip(slates.tolist(), own, strict=True):
        columns[data.offsets[slate] : data.offsets[slate + 1], 0] = logits
    differences = (columns[places[:, :1]] - columns[places[:, 1:]]).reshape(-1, columns.shape[1])
    pairs = np.concatenate((differences, -differences))
    clicked = np.repeat([1, 0], len(differences))
    model = LogisticRegression(C=_INVERSE_REGULARISATION, fit_intercept=False).fit(pairs, clicked)
    return np.asarray(model.coef_[0], dtype=np.float32)
