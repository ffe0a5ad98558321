"""Agreement of two rankings of the same slates."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from recsys.evaluation.metrics import spearman, top1_agreement
from recsys.evaluation.scored_slates import ScoredSlates
from tests.unit.evaluation.slate_cases import rows, scored

PROPERTY = settings(deadline=None, max_examples=80)


@given(scored(distinct=True), st.integers(0, 2**32 - 1))
@PROPERTY
def test_agreement_is_scipy_s(slates: ScoredSlates, seed: int) -> None:
    other = replace(slates, scores=np.random.default_rng(seed).normal(size=len(slates.scores)))
    rank, winner = spearman(slates, other), top1_agreement(slates, other)
    for slate in range(len(slates)):
        (one, _), (two, _) = rows(slates, np.int64(slate)), rows(other, np.int64(slate))
        if len(one) > 1:
            assert rank[slate] == pytest.approx(spearmanr(one, two).statistic, abs=1e-12)
            assert winner[slate] == (one.argmax() == two.argmax())


@given(scored())
@PROPERTY
def test_a_ranking_agrees_with_itself_also_where_scores_are_equal(slates: ScoredSlates) -> None:
    assert np.nan_to_num(spearman(slates, slates), nan=1.0) == pytest.approx(1.0)
    assert np.nan_to_num(top1_agreement(slates, slates), nan=1.0).all()


def test_slates_too_small_to_rank_say_nothing() -> None:
    slates = ScoredSlates.of([[], [0.5], [0.5, 0.1]], [[], [1], [1, 0]])
    assert np.isnan(spearman(slates, slates)).tolist() == [True, True, False]
    assert np.isnan(top1_agreement(slates, slates)).tolist() == [True, True, False]
