"""Replay in segments: parts of the log after each other in time, each replayed by a process of its own.

This process folds the log once, and writes the state at the start of each segment. A worker loads it, and does
the dearer part: it prepares and scores the requests of its segment. Results equal those of one pass, bit for bit.

Snapshots hold data of readers. They lie in a temporary folder that only this user can read, each until its worker
has loaded it; the folder is deleted at the end, also after an error or an interrupt. Workers end with the process
that started them.
"""

import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, connection, get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Protocol, TypeVar

import polars as pl

from recsys.errors import WorkerError
from recsys.projection.log_replay import Replay, ReplayPoint
from recsys.settings import Settings
from recsys.store.database import opened
from recsys.threads import threads

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Progress = Callable[[int], None]

LEAST_REQUESTS = 2_000
"""Requests for which another worker pays: it needs about 3 s of CPU to start, and a request about 3 ms."""

_SEGMENTS_PER_WORKER = 2
"""Requests differ in cost: with more segments than workers, all workers end at about the same time."""

_TICK = 0.5
"""Seconds between two reports of progress."""


class SegmentWork(Protocol[R_co]):
    """Work on the requests of a segment. It can be pickled, and builds its engine on the state of the replay."""

    def __call__(self, log: Replay, requests: pl.DataFrame, first: int, progress: Progress) -> R_co:
        """Replay `requests`, after `first` earlier ones; `progress` gets the number of them that are done."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Requests in order of time (at least one), with the place of the log and of the state before them.

    articles: file of the articles that the replay knows; first: number of requests of earlier segments.
    """

    articles: Path
    point: ReplayPoint
    requests: pl.DataFrame
    first: int


def replay_segment(work: SegmentWork[R], segment: Segment, progress: Progress) -> R:
    """Return the result of `work` on a segment. The snapshot of its state is deleted.

    Raises:
        DataError: older rows of the log have changed since the replay began.
        StoreError: the database or the snapshot cannot be read.
    """
    known, end = pl.read_ipc(segment.articles), segment.requests["at"][-1]
    with (
        threads(1),
        opened(segment.point.database_url, migrate=False) as database,
        database.read() as transaction,
        Replay.resume(transaction, segment.point, known, end) as log,
    ):
        segment.point.state.unlink()
        return work(log, segment.requests, segment.first, progress)


@dataclass(frozen=True, slots=True)
class ReplayWorkers:
    """Limits of the number of workers: `most`, and one for every `least` requests."""

    most: int = 1
    least: int = LEAST_REQUESTS

    @classmethod
    def of(cls, settings: Settings) -> "ReplayWorkers":
        """Return the number of the settings; by default one for each of their threads, if it pays."""
        return cls(settings.threads) if settings.replay_workers is None else cls(settings.replay_workers, 1)

    def count(self, requests: int) -> int:
        """Return the number of workers for so many requests."""
        return max(min(self.most, requests // self.least), 1)


class Segments(Generic[R]):
    """Replay of requests, part after part. This class does it in one pass, in this process.

    Use it in a `with` block.
    """

    def __init__(self, log: Replay, work: SegmentWork[R], progress: Progress) -> None:
        self._log, self._work, self._progress = log, work, progress
        self._first = 0
        self._results: list[R] = []

    def replay(self, requests: pl.DataFrame) -> None:
        """Replay `requests`, sorted by time, which come after all earlier ones."""
        first = self._first
        self._first += requests.height
        self._results.append(self._work(self._log, requests, first, lambda done: self._progress(first + done)))

    def results(self) -> list[R]:
        """Wait for all segments; return their results in order of time."""
        return self._results

    def __enter__(self) -> "Segments[R]":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        pass


class WorkerSegments(Segments[R]):
    """Replay of requests by worker processes: only the fold up to the last segment is done in this process.

    Args:
        log: the replay; it stands before all requests.
        work: work on each segment.
        progress: gets the number of requests that are done.
        workers: number of processes.
        size: number of requests of a segment.
    """

    def __init__(self, log: Replay, work: SegmentWork[R], progress: Progress, workers: int, size: int) -> None:
        super().__init__(log, work, progress)
        self._workers, self._size = workers, size
        self._folder = TemporaryDirectory(prefix="attune-replay-", ignore_cleanup_errors=True)
        self._articles = Path(self._folder.name) / "articles.arrow"
        self._others = set(active_children())
        context = get_context("spawn")
        self._done = context.Value("q")
        given = (work, self._done, self._folder.name)
        self._pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=given)
        self._futures: list[Future[R]] = []
        self._pending: set[Future[Any]] = set()

    def __enter__(self) -> "WorkerSegments[R]":
        self._log.articles.write_ipc(self._articles)
        for _ in range(self._workers):  # they load their modules while this process folds
            self._pool.submit(os.getpid)
        return self

    def replay(self, requests: pl.DataFrame) -> None:
        """Replay `requests`, sorted by time, which come after all earlier ones.

        Raises:
            WorkerError: a worker died.
        """
        for start in range(0, requests.height, self._size):
            part = requests[start : start + self._size]
            self._wait(self._workers)  # so that few snapshots wait on disk
            self._log.advance(part["at"][0])
            point = self._log.save(Path(self._folder.name) / f"state-{self._first}.safetensors")
            segment = Segment(self._articles, point, part, self._first)
            self._first += part.height
            self._futures.append(self._submitted(segment))
            self._pending.add(self._futures[-1])

    def results(self) -> list[R]:
        """Wait for all segments; return their results in order of time.

        Raises:
            WorkerError: a worker died.
        """
        self._wait(0)
        return [future.result() for future in self._futures]

    def _submitted(self, segment: Segment) -> Future[R]:
        try:
            return self._pool.submit(_replay, segment)
        except BrokenProcessPool as error:
            raise _death() from error

    def _wait(self, most: int) -> None:
        """Wait until at most `most` segments are left; raise the error of one that failed."""
        while len(self._pending) > most:
            done, self._pending = wait(self._pending, _TICK, FIRST_COMPLETED)
            for future in done:
                if isinstance(future.exception(), BrokenProcessPool):
                    raise _death() from future.exception()
                future.result()
            self._progress(self._done.value)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            for child in set(active_children()) - self._others:
                child.kill()
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


def segments(
    log: Replay, work: SegmentWork[R], progress: Progress, workers: ReplayWorkers, requests: int
) -> Segments[R]:
    """Return a replay of so many requests in all, by workers if they pay."""
    count = workers.count(requests)
    if count == 1:
        return Segments(log, work, progress)
    return WorkerSegments(log, work, progress, count, -(-requests // (count * _SEGMENTS_PER_WORKER)))


def _death() -> WorkerError:
    return WorkerError(
        "a worker process of the replay died: it was killed, perhaps because the memory was full; run it again "
        "with fewer workers (ATTUNE_REPLAY_WORKERS)"
    )


_given: list[Any] = []
"""In a worker: its work, and the shared number of requests that are done."""


def _start(work: SegmentWork[Any], done: Any, folder: str) -> None:
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


def _replay(segment: Segment) -> Any:
    work, total = _given
    before = 0

    def progress(done: int) -> None:
        nonlocal before
        with total.get_lock():
            total.value += done - before
        before = done

    return replay_segment(work, segment, progress)
