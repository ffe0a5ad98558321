"""A job that is done again and again."""

import threading
import time
from collections.abc import Callable

from recsys.serving.periodic_job import Periodic

WITHIN = 30.0


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def test_it_runs_at_once_when_woken_and_no_more_once_stopped() -> None:
    runs: list[int] = []
    job = Periodic("job", lambda: runs.append(1), every=3_600, patience=3_600)
    job.start()
    until(lambda: len(runs) == 1)
    job.wake()
    until(lambda: len(runs) == 2)
    job.stop(WITHIN)
    job.wake()
    assert len(runs) == 2


def test_a_failure_is_reported_until_a_run_succeeds() -> None:
    allowed = threading.Event()

    def work() -> None:
        if not allowed.is_set():
            raise ValueError("not yet")

    job = Periodic("job", work, every=3_600, patience=0.001)
    job.start()
    until(lambda: job.failure == "not yet")
    allowed.set()
    until(lambda: job.failure is None)
    job.stop(WITHIN)


def test_one_that_never_started_can_be_stopped() -> None:
    Periodic("job", lambda: None, 1, 1).stop(WITHIN)
