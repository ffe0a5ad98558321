import math

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.evaluation import bootstrap
from recsys.evaluation.bootstrap import compare, intervals

RNG = np.random.default_rng(0)
READERS = np.repeat(np.arange(100), 5) * 17
VALUES = 0.7 + 0.1 * RNG.normal(size=500)


def test_interval_holds_the_mean_and_is_as_wide_as_theory_says() -> None:
    found = intervals({"auc": VALUES}, READERS)["auc"]
    assert found.mean == pytest.approx(VALUES.mean())
    standard_error = 0.1 / math.sqrt(500)
    assert found.high - found.low == pytest.approx(2 * 1.96 * standard_error, rel=0.25)
    assert found.low < found.mean < found.high


def test_impressions_of_one_reader_do_not_count_as_independent() -> None:
    copies = np.repeat(VALUES[::5], 5)
    clustered = intervals({"auc": copies}, READERS)["auc"]
    pretended = intervals({"auc": copies}, np.arange(500))["auc"]
    assert clustered.high - clustered.low > 1.8 * (pretended.high - pretended.low)


def test_draws_agree_with_resampling_readers_one_by_one() -> None:
    """The same spread as when whole readers are put into a list again and again."""
    sizes = RNG.integers(1, 9, size=60)
    readers, values = np.repeat(np.arange(60), sizes), RNG.random(int(sizes.sum()))
    groups = [values[readers == reader] for reader in range(60)]
    rng = np.random.default_rng(1)
    means = [np.concatenate([groups[g] for g in rng.integers(0, 60, 60)]).mean() for _ in range(2_000)]
    low, high = np.percentile(means, [2.5, 97.5])
    found = intervals({"auc": values}, readers, draws=2_000)["auc"]
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)


def test_same_seed_gives_the_same_interval_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = intervals({"auc": VALUES}, READERS)
    monkeypatch.setattr(bootstrap, "_CELLS_PER_BLOCK", 700)
    assert intervals({"auc": VALUES}, READERS) == whole
    assert intervals({"auc": VALUES}, READERS, seed=8) != whole


def test_metrics_share_their_draws() -> None:
    found = intervals({"one": VALUES, "two": VALUES + 1}, READERS)
    assert found["two"].low == pytest.approx(found["one"].low + 1)


def test_impressions_that_cannot_be_judged_are_left_out() -> None:
    holes = VALUES.copy()
    holes[::3] = np.nan
    assert intervals({"auc": holes}, READERS)["auc"].mean == pytest.approx(np.nanmean(holes))


def test_one_reader_gives_an_interval_of_no_width() -> None:
    found = intervals({"auc": np.array([0.2, 0.4])}, np.array([5, 5]))["auc"]
    assert (found.low, found.high) == pytest.approx((0.3, 0.3))


@pytest.mark.parametrize("values", [np.zeros(0), np.full(3, np.nan)])
def test_nothing_to_judge_gives_an_unknown_interval(values: np.ndarray) -> None:
    found = intervals({"auc": values}, np.arange(len(values)))["auc"]
    assert all(math.isnan(figure) for figure in (found.mean, found.low, found.high))


def test_no_metrics_give_no_intervals() -> None:
    assert intervals({}, READERS) == {}


def test_value_without_a_reader_is_refused() -> None:
    with pytest.raises(DataError, match="every impression a reader"):
        intervals({"auc": VALUES}, READERS[1:])


@pytest.mark.parametrize(("shift", "verdict"), [(0.01, "win"), (-0.01, "loss"), (0.0, "tie")])
def test_small_but_steady_difference_is_seen_when_paired(shift: float, verdict: str) -> None:
    noise = 0.01 * RNG.normal(size=500)
    noise -= noise.mean()
    found = compare(VALUES + shift + noise, VALUES, READERS)
    assert found.verdict == verdict
    assert found.difference.mean == pytest.approx(shift)


def test_systems_judged_on_different_impressions_are_not_compared() -> None:
    holes = VALUES.copy()
    holes[0] = np.nan
    with pytest.raises(DataError, match="same impressions"):
        compare(holes, VALUES, READERS)
