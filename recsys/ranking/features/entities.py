"""Entity features: the share of the reader's past attention to the persons, places and things in the candidate.

All are NaN if no article has entities, so that trees do not see them; those of a candidate are NaN if it has none,
or if the reader has no history.
"""

import numpy as np

from recsys.ranking.features.affinity import decayed_attention, last_reads, share_of_reads
from recsys.ranking.query import Family, FeatureInput, FloatArray
from recsys.state.vocabulary import UNKNOWN

NAMES = ("entity_attention", "entity_attention_sum", "entity_share_recent", "entity_attention_listwise")


def _compute(inputs: FeatureInput) -> FloatArray:
    catalog, history = inputs.state.catalog, inputs.query.history
    if not len(catalog.entities) or not len(history):
        return np.full((len(inputs.candidates), len(NAMES)), np.nan)
    entity_ne, read_he = catalog.entity[inputs.candidates.rows], catalog.entity[history.article]
    attention_ne, recent_ne = (
        share_of_reads(entity_ne + 1, read_he + 1, weights)
        for weights in (decayed_attention(inputs), last_reads(inputs))
    )
    columns = np.column_stack((attention_ne.max(axis=1), attention_ne.sum(axis=1), recent_ne.max(axis=1)))
    columns[entity_ne[:, 0] == UNKNOWN] = np.nan
    return np.column_stack((columns, inputs.percentiles(columns[:, 1:2])))


FAMILY = Family("entities", NAMES, _compute)
