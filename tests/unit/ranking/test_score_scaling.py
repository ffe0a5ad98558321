import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.ranking.score_scaling import softplus_utility

_SCORES = st.lists(st.floats(-2, 2), min_size=1, max_size=20)


@given(_SCORES)
def test_worth_is_never_negative_and_rises_with_the_score(scores: list[float]) -> None:
    ordered = np.sort(np.asarray(scores))
    utility = softplus_utility(ordered)
    assert (utility >= 0).all()
    assert (np.diff(utility) >= 0).all()


@given(st.floats(0.1, 2))
def test_what_is_worth_its_minutes_is_worth_its_score(score: float) -> None:
    np.testing.assert_allclose(softplus_utility(np.asarray([score])), score, atol=1e-6)
