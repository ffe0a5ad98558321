"""Workers of a Ray cluster: each piece is a Ray task, which Ray schedules, and tries again if its node dies.

Pieces, files and results go through Ray's object store. Those of this process survive the death of any other node;
results of a node that died are computed again.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from types import TracebackType
from typing import IO, Any, Generic, Self
from uuid import uuid4

import numpy as np

from recsys.errors import ConfigError, WorkerError
from recsys.executors.ray_cluster import connected, require_one_machine
from recsys.executors.worker_pool import P, R, Work

RETRIES = 5
"""Times that a piece is done again after a worker or its node died."""


@dataclass(frozen=True, slots=True)
class RayFile:
    """`SharedFile` in the object store of the cluster."""

    content: Any

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Implement `SharedFile`. On Linux it is in memory: nothing is left of it if the worker is killed."""
        import ray

        with _private_file() as file:
            file.write(ray.get(self.content).data)
            file.flush()
            yield Path(file.name if isinstance(file.name, str) else f"/proc/self/fd/{file.fileno()}")

    def delete(self) -> None:
        """Implement `SharedFile`: Ray frees it after the last piece that uses it."""


def _private_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("attune"), "wb")
    return NamedTemporaryFile(prefix="attune-")


class RayPool(Generic[P, R]):
    """`WorkerPool` of a Ray cluster.

    Args:
        work: work on each piece.
        address: of the cluster, see `ray_cluster.connected`.
        most: greatest number of pieces at once; None for one on each processor of the cluster.
        gpu: each piece takes a GPU.
        one_machine: why no other machine can do a piece, as a sentence; empty if any can.
    """

    def __init__(
        self, work: Work[P, R], address: str, most: int | None = None, gpu: bool = False, one_machine: str = ""
    ) -> None:
        self.workers = most or 1
        self._work, self._address, self._gpu, self._one_machine = work, address, gpu, one_machine
        self._most, self._stack, self._numbers = most, ExitStack(), count()
        self._pending: dict[Any, Any] = {}
        self._steps = 0

    @property
    def folder(self) -> Path:
        """Implement `WorkerPool`."""
        return self._folder

    def __enter__(self) -> Self:
        """Implement `WorkerPool`.

        Raises:
            ConfigError: there is no cluster at the address, or it has no processor for a piece.
        """
        with ExitStack() as stack:
            self._ray = ray = stack.enter_context(connected(self._address))
            if self._one_machine:
                require_one_machine(ray, self._one_machine)
            self.workers = min(self._most or sys.maxsize, self._processors())
            self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="attune-pieces-")))
            self._key, self._shared_work = uuid4().hex, ray.put(self._work)
            self._counter = _counter(ray)
            options = {"num_cpus": 1, "num_gpus": int(self._gpu), "max_retries": RETRIES}
            self._task = ray.remote(_do).options(scheduling_strategy="SPREAD", **options)
            self._stack = stack.pop_all()
        return self

    def _processors(self) -> int:
        kind = "GPU" if self._gpu else "CPU"
        there = int(self._ray.cluster_resources().get(kind, 0))
        if not there:
            raise ConfigError(f"the Ray cluster has no {kind}: add a machine with `ray start --address HOST:PORT`")
        return there

    def share(self, file: Path) -> RayFile:
        """Implement `WorkerPool`."""
        content = self._ray.put(np.fromfile(file, dtype=np.uint8))
        file.unlink()
        return RayFile(content)

    def submit(self, piece: P) -> Future[R]:
        """Implement `WorkerPool`."""
        # a list: Ray does not load what is inside, so a worker that has the work does not load it again
        ref = self._task.remote(self._key, [self._shared_work], piece, next(self._numbers), self._counter)
        # the piece, with the files that it names, lives until its result is here: a node that dies may lose it
        self._pending[ref] = piece
        future: Future[R] = ref.future()
        future.add_done_callback(lambda _: self._pending.pop(ref))
        return future

    def steps_done(self) -> int:
        """Implement `WorkerPool`."""
        with suppress(self._ray.exceptions.RayError):  # the last number is good enough until the next one
            self._steps = self._ray.get(self._counter.total.remote(self._key), timeout=1)
        return self._steps

    def error_of(self, error: BaseException) -> BaseException:
        """Implement `WorkerPool`."""
        errors = self._ray.exceptions
        if isinstance(error, errors.RayTaskError):
            cause = error.cause
            return cause if isinstance(cause, Exception) else error
        if not isinstance(error, errors.RayError):
            return error
        reason = str(error).strip().splitlines() or [""]
        return WorkerError(
            f"a piece of work failed on the Ray cluster, {RETRIES + 1} times if its worker or node died "
            f"({type(error).__name__}: {reason[0]}): see `ray status` and the logs of its nodes, give them more "
            "memory or fewer processors, and run it again"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Implement `WorkerPool`."""
        with self._stack:
            for ref in list(self._pending):
                self._ray.cancel(ref, force=True)


class StepCounter:
    """Steps that are done, by pool and piece; a step of a piece that is tried again counts once."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[int, int]] = {}

    def report(self, pool: str, piece: int, done: int) -> None:
        """Take the number of steps of a piece."""
        steps = self._steps.setdefault(pool, {})
        steps[piece] = max(done, steps.get(piece, 0))

    def total(self, pool: str) -> int:
        """Return the number of steps of all pieces of a pool."""
        return sum(self._steps.get(pool, {}).values())


_counters: dict[str, Any] = {}
"""`StepCounter` of the connection to a cluster, by its id: its process needs half a second of CPU to start."""


def _counter(ray: Any) -> Any:
    """Return the `StepCounter` of this connection. It is on the node of this process, and ends with it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    connection = ray.get_runtime_context().get_worker_id()
    if connection not in _counters:
        _counters.clear()
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        _counters[connection] = ray.remote(StepCounter).options(num_cpus=0, scheduling_strategy=here).remote()
    return _counters[connection]


_loaded: dict[str, Any] = {}
"""In a worker: its work by the key of the pool. One is enough, because a command has one pool at a time."""


def _do(key: str, shared_work: list[Any], piece: Any, number: int, counter: Any) -> Any:
    import ray

    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = ray.get(shared_work[0])
    reports: list[Any] = []

    def progress(done: int) -> None:
        reports[:] = [counter.report.remote(key, number, done)]

    result = _loaded[key](piece, progress)
    with suppress(ray.exceptions.RayError):
        ray.get(reports)  # so that the steps are complete when the result is there
    return result
