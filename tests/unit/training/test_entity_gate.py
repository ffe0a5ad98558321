"""Entity features serve only where they order later slates better."""

import numpy as np
import pytest

from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.training.entity_gate import gate_entities
from recsys.training.ranker_training import PastSlates

CONFIG = LambdaMartConfig(threads=1, leaves=7)
SLATES, CANDIDATES = 1_000, 8
COLUMN = ALL_FEATURES.names.index("entity_attention")


def slates(share: float | None) -> PastSlates:
    """One click in each slate; with probability `share` it is on the candidate with the known entity."""
    rng = np.random.default_rng(4)
    clicked, known = rng.integers(CANDIDATES, size=(2, SLATES))
    features = np.full((SLATES, CANDIDATES, len(ALL_FEATURES.names)), np.nan)
    features[..., 0] = rng.normal(size=(SLATES, CANDIDATES))
    if share is not None:
        known = np.where(rng.random(SLATES) < share, clicked, known)
        features[..., COLUMN] = np.arange(CANDIDATES) == known[:, None]
    labels = (np.arange(CANDIDATES) == clicked[:, None]).astype(np.int8).ravel()
    data = RankingData(features.reshape(SLATES * CANDIDATES, -1), labels, np.full(SLATES, CANDIDATES))
    return PastSlates(data, np.arange(SLATES), np.full(len(labels), np.nan), np.arange(SLATES) % 50)


@pytest.mark.parametrize(("share", "on"), [(0.5, True), (0.0, False)])
def test_entities_are_used_where_they_predict_clicks(share: float, on: bool) -> None:
    past = slates(share)
    gate = gate_entities(past, SLATES * 3 // 4, CONFIG)
    assert gate.on is on
    assert gate.difference is not None and (gate.difference.low > 0) is on
    gate.apply(past)
    known = ~np.isnan(past.data.features[:, COLUMN])
    assert known.all() if on else not known.any(), "without a pass no tree sees them"


def test_a_log_without_entities_is_not_compared() -> None:
    past = slates(None)
    gate = gate_entities(past, SLATES * 3 // 4, CONFIG)
    assert (gate.on, gate.difference) == (False, None)


@pytest.mark.parametrize("validate_from", [SLATES * 3 // 4, SLATES - 100, SLATES])
def test_entities_that_cannot_be_compared_are_seen_by_no_tree(validate_from: int) -> None:
    past = slates(0.5)
    past.before(SLATES * 3 // 4).features[:, COLUMN] = np.nan
    gate = gate_entities(past, validate_from, CONFIG)
    gate.apply(past)
    assert (gate.on, gate.difference) == (False, None)
    assert np.isnan(past.data.features[:, COLUMN]).all()
