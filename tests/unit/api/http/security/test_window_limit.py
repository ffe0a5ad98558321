"""The limit of many names: what a sliding window allows, with bounded memory."""

import pytest
from limits import parse

from api.http.security.window_limit import WindowLimiter


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_each_name_has_its_own_limit() -> None:
    limiter = WindowLimiter(parse("2/minute"), clock=Hand())
    assert [limiter.wait(name) for name in ("a", "a", "a", "b")] == [None, None, 60, None]


def test_a_window_that_is_over_counts_by_the_share_that_is_left() -> None:
    clock = Hand()
    limiter = WindowLimiter(parse("10/minute"), clock=clock)
    assert [limiter.wait("a") for _ in range(10)] == [None] * 10
    clock.at += 60
    assert limiter.wait("a") == 60
    clock.at += 30
    assert [limiter.wait("a") for _ in range(6)] == [None] * 5 + [30]
    clock.at += 120
    assert limiter.wait("a", 9) is None


def test_a_cost_above_the_limit_leaves_one() -> None:
    limiter = WindowLimiter(parse("10/minute"), clock=Hand())
    assert [limiter.wait("a", 500), limiter.wait("a"), limiter.wait("a")] == [None, None, 60]


def test_a_large_cost_is_possible_after_the_request_that_it_comes_with() -> None:
    limiter = WindowLimiter(parse("20/second"), clock=Hand())
    assert (limiter.wait("a"), limiter.wait("a", 199), limiter.wait("a")) == (None, None, 1)


def test_nothing_is_refused_without_a_limit() -> None:
    assert WindowLimiter(None).wait("a", 10**9) is None


def test_many_names_end_a_window_early_and_take_no_more_memory() -> None:
    limiter = WindowLimiter(parse("1/minute"), most_names=3, clock=Hand())
    assert [limiter.wait(str(name)) for name in range(100)] == [None] * 100
    assert limiter.wait("99") == pytest.approx(60)
    assert len(limiter._now) + len(limiter._before) <= 6


def test_no_name_is_kept() -> None:
    limiter = WindowLimiter(parse("9/minute"), clock=Hand())
    limiter.wait("203.0.113.7")
    assert all(b"203" not in key for key in limiter._now)
