import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.constants import BOUNCE_SECONDS
from recsys.user_model.dwell_quantiles import LEAST_QUANTILE, click_noise, dwell_prior, importance, quantiles

dwells = st.lists(st.one_of(st.just(np.nan), st.floats(0, 600)), min_size=1, max_size=12)


def of(seconds: list[float], expected: float = 60.0) -> np.ndarray:
    return quantiles(np.asarray(seconds), np.full(len(seconds), expected))


@given(dwells, st.floats(20, 120))
def test_quantiles_lie_in_zero_to_one_follow_the_dwell_and_are_unknown_where_it_is(
    seconds: list[float], expected: float
) -> None:
    found, known = of(seconds, expected), ~np.isnan(seconds)
    assert np.array_equal(np.isnan(found), ~known)
    assert ((found[known] > 0) & (found[known] <= 1)).all()
    share = np.asarray(seconds)[known] / expected
    longer = share[:, None] > share[None, :]
    assert (found[known][:, None] > found[known][None, :])[longer].all()
    if known.any():
        assert found[known].mean() == pytest.approx((known.sum() + 1) / (2 * known.sum()))


def test_many_histories_are_judged_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    seconds, expected = rng.uniform(1, 90, size=(5, 7)), rng.uniform(20, 120, size=(5, 7))
    seconds[rng.random(seconds.shape) < 0.3] = np.nan
    together, noise = quantiles(seconds, expected), click_noise(seconds)
    for row in range(5):
        np.testing.assert_array_equal(together[row], quantiles(seconds[row], expected[row]))
        assert noise[row] == click_noise(seconds[row])


def test_a_long_article_needs_a_long_read() -> None:
    found = quantiles(np.asarray([50.0, 60.0]), np.asarray([20.0, 120.0]))
    assert found.tolist() == [1.0, 0.5]
    assert of([30.0, 30.0, 90.0]).tolist() == pytest.approx([0.5, 0.5, 1.0])


def test_noise_is_the_share_of_bounces_drawn_to_one_in_ten_while_little_is_known() -> None:
    assert click_noise(np.asarray([np.nan])) == pytest.approx(0.1)
    assert click_noise(np.asarray([2.0])) == pytest.approx(1.5 / 6)
    assert click_noise(np.asarray([2.0, 60.0] * 500)) == pytest.approx(0.5, abs=0.01)
    assert click_noise(np.asarray([BOUNCE_SECONDS] * 995)) == pytest.approx(0.5 / 1000)
    assert click_noise(np.asarray([BOUNCE_SECONDS - 0.1] * 995)) == pytest.approx(995.5 / 1000)


@given(dwells, st.floats(0, 1))
def test_the_prior_favours_long_reads_and_never_shuts_one_out(seconds: list[float], noise: float) -> None:
    found = of(seconds)
    prior = dwell_prior(found, noise)
    assert np.isfinite(prior).all()
    assert (prior >= noise * np.log(LEAST_QUANTILE) - 1e-12).all()
    assert (prior <= 0).all()
    known = np.argsort(np.where(np.isnan(found), -1, found))[np.isnan(found).sum() :]
    assert (np.diff(prior[known]) >= 0).all()


@pytest.mark.parametrize(
    ("seconds", "quantile", "scroll", "liked", "hidden", "outcome"),
    [
        (60.0, 0.5, np.nan, False, False, 1),
        (60.0, 0.4, np.nan, False, False, -1),
        (60.0, 0.4, 80.0, False, False, 1),
        (4.9, 1.0, 100.0, False, False, 0),
        (4.9, 0.1, np.nan, True, False, 1),
        (90.0, 1.0, 100.0, True, True, 0),
        (np.nan, np.nan, np.nan, False, False, -1),
        (np.nan, np.nan, 90.0, False, False, 1),
        (np.nan, np.nan, np.nan, True, False, 1),
    ],
)
def test_outcomes(seconds: float, quantile: float, scroll: float, liked: bool, hidden: bool, outcome: int) -> None:
    found = importance(*(np.asarray([value]) for value in (seconds, quantile, scroll, liked, hidden)))
    assert found.tolist() == [outcome]
