"""Entity features: the share of the reader's past attention to the persons, places and things in the candidate.

All are NaN if no article has entities, so that trees do not see them; those of a candidate are NaN if it has none,
or if the reader has no history.
"""

import numpy as np

from recsys.ranking.features.affinity import decayed_attention
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.vocabulary import UNKNOWN

_RECENT = 5

NAMES = ("entity_attention", "entity_attention_sum", "entity_share_recent", "entity_attention_listwise")


def _compute(inputs: FeatureInput) -> FloatArray:
    catalog, history = inputs.state.catalog, inputs.query.history
    if not len(catalog.entities) or not len(history):
        return np.full((len(inputs.candidates), len(NAMES)), np.nan)
    entity_ne, read_he = catalog.entity[inputs.candidates.rows], catalog.entity[history.article]
    recent = np.zeros(len(history))
    recent[-_RECENT:] = 1.0
    attention_ne, recent_ne = (
        _shares(entity_ne, read_he, weights) for weights in (decayed_attention(inputs), recent)
    )
    columns = np.column_stack((attention_ne.max(axis=1), attention_ne.sum(axis=1), recent_ne.max(axis=1)))
    columns[entity_ne[:, 0] == UNKNOWN] = np.nan
    return np.column_stack((columns, inputs.percentiles(columns[:, 1:2])))


def _shares(entity_ne: np.ndarray, read_he: np.ndarray, weights: FloatArray) -> FloatArray:
    """Return the share of the `weights` [h] of reads that have each entity of the candidates [n, e]."""
    size = max(int(entity_ne.max(initial=0)), int(read_he.max(initial=0))) + 2
    by_code = np.bincount((read_he + 1).ravel(), np.repeat(weights, read_he.shape[1]), minlength=size)
    by_code[0] = 0.0  # of UNKNOWN
    total = weights.sum()
    return np.asarray(by_code[entity_ne + 1] / total) if total > 0 else np.full(entity_ne.shape, np.nan)


FAMILY = Family("entities", NAMES, _compute)
