"""Where the time of a training goes: wall time, CPU time and peak memory of each stage, for the manifest."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from recsys.training.training_run import Progress, silent

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1_024
"""Unit of `ru_maxrss`, see getrusage(2)."""


@dataclass(frozen=True, slots=True)
class StageCost:
    """Cost of one stage.

    cpu_seconds: of all threads and of finished child processes; peak_mib: largest memory of the process so far.
    """

    stage: str
    seconds: float
    cpu_seconds: float
    peak_mib: int


class ProfiledProgress:
    """Progress callback that also measures the stages of a training. A stage must not contain another."""

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress
        self._costs: list[StageCost] = []

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report progress, see `Progress`."""
        self._progress(stage, done, total)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as stage `name`; a stage that fails is not measured."""
        started, cpu = time.perf_counter(), _cpu_seconds()
        yield
        seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu
        self._costs.append(StageCost(name, round(seconds, 2), round(cpu_seconds, 2), _peak_mib()))

    def as_list(self) -> list[dict[str, Any]]:
        """Return the measured stages, in order, for the manifest."""
        return [asdict(cost) for cost in self._costs]


def _cpu_seconds() -> float:
    """Return the user and system time so far of this process and of its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES >> 20
