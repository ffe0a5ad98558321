"""Receipt times never repeat, in any thread."""

import time
from concurrent.futures import ThreadPoolExecutor

from recsys.serving.clock import Clock


def test_times_strictly_increase_under_threads() -> None:
    clock = Clock()

    def draw(_: int) -> list[tuple[int, int]]:
        return [(clock.next(count), count) for count in (1, 3, 1, 7) * 50]

    with ThreadPoolExecutor(8) as pool:
        drawn = sorted(each for part in pool.map(draw, range(8)) for each in part)
    ends = [first + count for first, count in drawn]
    assert all(end <= first for end, (first, _) in zip(ends, drawn[1:], strict=False))


def test_times_of_one_caller_go_up() -> None:
    clock = Clock()
    times = [clock.next() for _ in range(1_000)]
    assert times == sorted(set(times))


def test_it_is_the_time_of_the_wall() -> None:
    before = time.time_ns() // 1_000
    assert before <= Clock().next() <= time.time_ns() // 1_000 + 1


def test_it_goes_on_behind_what_the_log_holds() -> None:
    clock, future = Clock(), time.time_ns() // 1_000 + 10**12
    clock.at_least(future)
    assert clock.next() == future + 1
    clock.at_least(5)
    assert clock.next(10) == future + 2
    assert clock.next() == future + 12


def test_no_times_are_no_times() -> None:
    clock = Clock()
    first = clock.next(0)
    assert clock.next() >= first
