import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.calibration.training_loop import conformal_limit


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300, unique=True), st.floats(0.5, 0.99))
def test_a_limit_leaves_at_most_its_share_of_a_score_more_above_it(scores: list[float], share: float) -> None:
    limit = conformal_limit(np.asarray(scores), share)
    assert limit in scores
    assert sum(score > limit for score in scores) <= (1 - share) * (len(scores) + 1)


@pytest.mark.parametrize(("count", "rank"), [(199, 198), (100, 100), (99, 99), (1, 1)])
def test_few_scores_give_their_largest(count: int, rank: int) -> None:
    assert conformal_limit(np.random.default_rng(0).permutation(count).astype(float), 0.99) == rank - 1


def test_new_scores_lie_above_the_limit_as_seldom_as_promised() -> None:
    rng = np.random.default_rng(1)
    above = [rng.normal() > conformal_limit(rng.normal(size=60), 0.95) for _ in range(2000)]
    assert np.mean(above) == pytest.approx(0.05, abs=0.015)
