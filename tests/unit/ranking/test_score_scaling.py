import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.ranking.score_scaling import PlattScaling, Utility, softplus_utility, with_log_odds, worth

_SCORES = st.lists(st.floats(-2, 2), min_size=1, max_size=20)


@given(_SCORES)
def test_worth_is_never_negative_and_rises_with_the_score(scores: list[float]) -> None:
    ordered = np.sort(np.asarray(scores))
    utility = softplus_utility(ordered)
    assert (utility >= 0).all()
    assert (np.diff(utility) >= 0).all()


@given(st.floats(0.1, 2))
def test_an_article_worth_its_minutes_is_worth_its_score(score: float) -> None:
    np.testing.assert_allclose(softplus_utility(np.asarray([score])), score, atol=1e-6)


def test_worth_keeps_the_ratio_of_utilities_also_where_few_articles_are_opened() -> None:
    scores = 0.5 * np.asarray([0.03, 0.02, 0.0]) ** 1.5
    found = worth(softplus_utility, np.append(scores, -0.5))
    assert found is not None
    np.testing.assert_allclose(found[0] / found[1], 1.5**1.5)
    assert found[2:].tolist() == [0.0, 0.0]
    chances = PlattScaling(0.8, -1.0)
    np.testing.assert_array_equal(worth(chances, scores), chances(scores))
    assert worth(PlattScaling(), scores) is None, "there is no fit"


@pytest.mark.parametrize("utility", [softplus_utility, PlattScaling(0.8, -1.0)])
@given(score=st.floats(-3, 0.99), less=st.floats(0, 1e6), more=st.floats(0, 1e6))
def test_log_odds_however_large_keep_scores_finite_and_in_order(
    utility: Utility, score: float, less: float, more: float
) -> None:
    changed = with_log_odds(utility, np.full(2, score), -np.asarray([less, less + more]))
    assert np.isfinite(changed).all()
    assert changed[1] <= changed[0] + 1e-9
    assert changed[0] <= score + 1e-6
