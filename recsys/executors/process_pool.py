"""Worker processes of this machine. They end with the process that started them, and delete its files then."""

import os
import shutil
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Generic, Self

from recsys.errors import WorkerError
from recsys.executors.worker_pool import LocalFile, P, R, Work


class ProcessPool(Generic[P, R]):
    """`WorkerPool` of processes.

    Args:
        work: work on each piece.
        workers: number of processes.
    """

    def __init__(self, work: Work[P, R], workers: int) -> None:
        self.workers = workers
        self._temporary = TemporaryDirectory(prefix="attune-pieces-", ignore_cleanup_errors=True)
        self._others = set(active_children())
        context = get_context("spawn")
        self._done = context.Value("q")
        given = (work, self._done, self._temporary.name)
        self._pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=given)

    @property
    def folder(self) -> Path:
        """Implement `WorkerPool`."""
        return Path(self._temporary.name)

    def __enter__(self) -> Self:
        """Implement `WorkerPool`."""
        for _ in range(self.workers):  # they load their modules while this process goes on
            self._pool.submit(os.getpid)
        return self

    def share(self, file: Path) -> LocalFile:
        """Implement `WorkerPool`."""
        return LocalFile(file)

    def submit(self, piece: P) -> Future[R]:
        """Implement `WorkerPool`."""
        try:
            return self._pool.submit(_do, piece)
        except BrokenProcessPool as error:
            raise self.error_of(error) from error

    def steps_done(self) -> int:
        """Implement `WorkerPool`."""
        return int(self._done.value)

    def error_of(self, error: BaseException) -> BaseException:
        """Implement `WorkerPool`."""
        if not isinstance(error, BrokenProcessPool):
            return error
        return WorkerError(
            "a worker process of the replay died: it was killed, perhaps because the memory was full; run it "
            "again with fewer workers (ATTUNE_REPLAY_WORKERS)"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Implement `WorkerPool`."""
        if kind is not None:
            for child in set(active_children()) - self._others:
                child.kill()
        self._pool.shutdown(cancel_futures=True)
        self._temporary.cleanup()


_given: list[Any] = []
"""In a worker: its work, and the shared number of steps that are done."""


def _start(work: Work[Any, Any], done: Any, folder: str) -> None:
    # a signal to the whole group ends the first process; a worker outlives it to delete the files
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    _given[:] = [work, done]


def _end_with_parent(folder: str) -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _do(piece: Any) -> Any:
    work, total = _given
    before = 0

    def progress(done: int) -> None:
        nonlocal before
        with total.get_lock():
            total.value += done - before
        before = done

    return work(piece, progress)
