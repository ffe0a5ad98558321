"""In a small log, days before the validation slice help to choose the ranker."""

from dataclasses import replace

import numpy as np
import pytest

from recsys.domain import DAY, HOUR
from recsys.evaluation.systems import FULL_SYSTEM, NETWORK, TEXT_FREE
from recsys.models.served_ranker import BLEND, PARTS, UNTRAINED
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.lambdamart import LambdaMartConfig, RankingData
from recsys.training.choice_days import FEW_SLATES, MORE_DAYS, pooled_days, with_blend
from recsys.training.ranker_training import PastSlates, Rerankers, train_rerankers
from recsys.training.training_run import silent
from tests.unit.evaluation.answers import answers

CONFIG = replace(LambdaMartConfig(), trees=2, threads=1, min_leaf=5)
DAYS, A_DAY, SIZE = 6, 24, 5


@pytest.fixture(scope="module")
def slates() -> PastSlates:
    """A slate an hour; the reader clicks on the best preference match."""
    count = DAYS * A_DAY
    features = np.random.default_rng(5).random((count * SIZE, len(ALL_FEATURES.names)))
    match = features[:, ALL_FEATURES.names.index("preference")].reshape(count, SIZE)
    labels = (match == match.max(axis=1, keepdims=True)).astype(np.int8).reshape(-1)
    data = RankingData(features, labels, np.full(count, SIZE))
    return PastSlates(data, np.arange(count) * HOUR, np.full(count * SIZE, np.nan), np.arange(count) % 9)


@pytest.fixture(scope="module")
def validated(slates: PastSlates) -> Rerankers:
    return train_rerankers(slates, (DAYS - 1) * DAY, CONFIG, silent)


def test_the_validation_slice_and_the_days_before_it_are_pooled(slates: PastSlates, validated: Rerankers) -> None:
    found = pooled_days(slates, (DAYS - 1) * DAY, validated, CONFIG)
    assert found is not None
    assert found.days == 1 + MORE_DAYS
    assert set(found.aucs) == {FULL_SYSTEM, *PARTS}
    assert all(len(aucs) == found.days * A_DAY == len(found.readers) for aucs in found.aucs.values())
    assert (found.aucs[NETWORK][-A_DAY:] == 1).all()
    assert np.isnan(found.aucs[NETWORK][:-A_DAY]).all(), "the networks of the days before were not trained out"
    np.testing.assert_array_equal(found.readers, slates.readers[-len(found.readers) :])
    assert found.aucs[TEXT_FREE].mean() < found.aucs[FULL_SYSTEM].mean()


def test_the_blend_is_added_before_the_full_system() -> None:
    scores = {name: [[1.0, 0.0]] for name in (TEXT_FREE, UNTRAINED)}
    blended = with_blend(answers([[1, 0]], **scores, attune=[[0.0, 3.0]]))
    assert list(blended.scores)[-2:] == [BLEND, FULL_SYSTEM]
    np.testing.assert_allclose(blended.scores[BLEND], [0.6, 1.5])


def test_without_text_the_full_ranker_is_the_text_free_one(slates: PastSlates, validated: Rerankers) -> None:
    off = Rerankers(validated.text_free, validated.text_free)
    found = pooled_days(slates, (DAYS - 1) * DAY, off, CONFIG)
    assert found is not None
    np.testing.assert_array_equal(found.aucs[FULL_SYSTEM], found.aucs[TEXT_FREE])


def test_a_day_with_too_few_slates_ends_the_days(slates: PastSlates, validated: Rerankers) -> None:
    found = pooled_days(slates, DAY, validated, CONFIG)
    assert found is not None
    assert found.days == 1


def test_in_a_large_log_the_validation_slice_alone_decides(slates: PastSlates, validated: Rerankers) -> None:
    many = replace(slates, at=np.zeros(FEW_SLATES, dtype=np.int64))
    assert pooled_days(many, (DAYS - 1) * DAY, validated, CONFIG) is None
