import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.feed.selection.quotas import Quota, apply_quotas

FLAGS = st.lists(st.booleans(), min_size=1, max_size=40)


def ordered(count: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng(seed).permutation(count)


@given(FLAGS, st.floats(0.05, 1), st.integers(0, 99))
def test_a_promise_is_kept_at_every_length(flags: list[bool], share: float, seed: int) -> None:
    wanted = np.asarray(flags)
    out = apply_quotas(ordered(len(flags), seed), [Quota(wanted, share)])
    assert sorted(out.tolist()) == list(range(len(flags)))
    for places in range(1, len(flags) + 1):
        assert wanted[out[:places]].sum() >= min(int(share * places), wanted.sum())


@given(FLAGS, FLAGS, st.integers(0, 99))
def test_of_two_promises_the_first_is_kept_and_the_other_follows(
    one: list[bool], two: list[bool], seed: int
) -> None:
    count = min(len(one), len(two))
    focus, follow = np.asarray(one[:count]), np.asarray(two[:count])
    out = apply_quotas(ordered(count, seed), [Quota(focus, 0.5), Quota(follow, 0.2)])
    for places in range(1, count + 1):
        assert focus[out[:places]].sum() >= min(int(0.5 * places), focus.sum())
        assert follow[out[:places]].sum() >= min(int(0.2 * (places - 1)), follow.sum())


@given(FLAGS, st.integers(0, 99))
def test_articles_without_an_expected_value_keep_their_order(flags: list[bool], seed: int) -> None:
    wanted, order = np.asarray(flags), ordered(len(flags), seed)
    out = apply_quotas(order, [Quota(wanted, 0.3)]).tolist()
    rank = {candidate: place for place, candidate in enumerate(order.tolist())}
    for group in (True, False):
        ranks = [rank[candidate] for candidate in out if wanted[candidate] == group]
        assert ranks == sorted(ranks)
    np.testing.assert_array_equal(apply_quotas(order, []), order)
    np.testing.assert_array_equal(apply_quotas(order, [Quota(np.zeros(len(flags), dtype=np.bool_), 0.5)]), order)


def test_a_promise_that_the_ranker_keeps_by_itself_changes_nothing() -> None:
    order = np.asarray([3, 0, 2, 1])
    wanted = np.asarray([False, False, False, True])
    np.testing.assert_array_equal(apply_quotas(order, [Quota(wanted, 0.25)]), order)
