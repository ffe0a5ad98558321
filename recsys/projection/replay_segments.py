"""Replay in segments: parts of the log after each other in time, each replayed by a worker.

This process folds the log once, and writes the state at the start of each segment. A worker loads it, and does
the dearer part: it prepares and scores the requests of its segment. Results equal those of one pass, bit for bit.

Workers are processes of this machine, or of a Ray cluster. Snapshots hold data of readers. They lie in a temporary
folder that only this user can read, each until its worker has loaded it; the folder is deleted at the end, also
after an error or an interrupt. On a cluster they lie in its object store.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import polars as pl

from recsys.cpu_threads import cpu_threads
from recsys.executors.process_pool import ProcessPool
from recsys.executors.ray_pool import RayPool
from recsys.executors.worker_pool import PiecesInOrder, SharedFile, WorkerPool
from recsys.projection.log_replay import Replay, ReplayPoint
from recsys.settings import Settings
from recsys.store.database import opened

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Progress = Callable[[int], None]

LEAST_REQUESTS = 2_000
"""Requests for which another worker pays: it needs about 3 s of CPU to start, and a request about 3 ms."""

_SEGMENTS_PER_WORKER = 2
"""Requests differ in cost: with more segments than workers, all workers end at about the same time."""

_MOST_WORKERS = 256

_ONE_MACHINE = (
    "workers read the log, and other machines cannot read a SQLite file: move it to PostgreSQL "
    "(ATTUNE_DATABASE_URL), or leave out --ray"
)


class SegmentWork(Protocol[R_co]):
    """Work on the requests of a segment. It can be pickled, and builds its engine on the state of the replay."""

    def __call__(self, log: Replay, requests: pl.DataFrame, first: int, progress: Progress) -> R_co:
        """Replay `requests`, after `first` earlier ones; `progress` gets the number of them that are done."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Requests in order of time (at least one), with the place of the log and of the state before them.

    articles: file of the articles that the replay knows; state: snapshot of the state at `point`; first: number of
    requests of earlier segments.
    """

    articles: SharedFile
    state: SharedFile
    point: ReplayPoint
    requests: pl.DataFrame
    first: int


@dataclass(frozen=True, slots=True)
class ReplayedSegment(Generic[R]):
    """`work` on one segment, in a worker."""

    work: SegmentWork[R]

    def __call__(self, piece: Segment, progress: Progress) -> R:
        """Return the result of the work on a segment. The snapshot of its state is deleted.

        Raises:
            DataError: older rows of the log have changed since the replay began.
            StoreError: the database or the snapshot cannot be read.
        """
        end = piece.requests["at"][-1]
        with piece.articles.opened() as file:
            known = pl.read_ipc(file)
        with (
            cpu_threads(1),
            opened(piece.point.database_url, migrate=False) as database,
            database.read() as transaction,
            piece.state.opened() as file,
            Replay.resume(transaction, piece.point, file, known, end) as log,
        ):
            piece.state.delete()
            return self.work(log, piece.requests, piece.first, progress)


@dataclass(frozen=True, slots=True)
class ReplayWorkers:
    """Limits of the number of workers: `most`, and one for every `least` requests.

    ray: address of the Ray cluster that has them; None for processes of this machine.
    """

    most: int = 1
    least: int = LEAST_REQUESTS
    ray: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "ReplayWorkers":
        """Return the number of the settings.

        By default one for each of their threads, or for each processor of the Ray cluster, if it pays.
        """
        if settings.replay_workers is not None:
            return cls(settings.replay_workers, 1, settings.ray)
        return cls(settings.threads if settings.ray is None else _MOST_WORKERS, ray=settings.ray)

    def count(self, requests: int) -> int:
        """Return the number of workers for so many requests."""
        return max(min(self.most, requests // self.least), 1)

    def pool(self, log: Replay, work: SegmentWork[R], requests: int) -> WorkerPool[Segment, R] | None:
        """Return the workers for so many requests of `log`; None if one pass in this process is cheaper."""
        count, piece_work = self.count(requests), ReplayedSegment(work)
        if count == 1:
            return None
        if self.ray is None:
            return ProcessPool(piece_work, count)
        one_machine = _ONE_MACHINE if log.database_url.startswith("sqlite") else ""
        return RayPool(piece_work, self.ray, count, one_machine=one_machine)


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class WorkerSegments(Segments[R]):
    """Replay of requests by workers: only the fold up to the last segment is done in this process.

    Args:
        log: the replay; it stands before all requests.
        work: work on each segment.
        progress: gets the number of requests that are done.
        pool: the workers, which do the same work.
        requests: number of requests in all.
    """

    def __init__(
        self,
        log: Replay,
        work: SegmentWork[R],
        progress: Progress,
        pool: WorkerPool[Segment, R],
        requests: int,
    ) -> None:
        super().__init__(log, work, progress)
        self._pool, self._requests = pool, requests
        self._pieces = PiecesInOrder(pool, progress)
        self._articles: SharedFile | None = None

    def __enter__(self) -> "WorkerSegments[R]":
        self._pool.__enter__()
        return self

    def replay(self, requests: pl.DataFrame) -> None:
        """Replay `requests`, sorted by time, which come after all earlier ones.

        Raises:
            WorkerError: a worker died.
        """
        if self._articles is None:
            file = self._pool.folder / "articles.arrow"
            self._log.articles.write_ipc(file)
            self._articles = self._pool.share(file)
        size = -(-self._requests // (self._pool.workers * _SEGMENTS_PER_WORKER))
        for start in range(0, requests.height, size):
            part = requests[start : start + size]
            self._pieces.make_room()  # so that few snapshots wait
            self._results += self._pieces.ready()
            self._log.advance(part["at"][0])
            file = self._pool.folder / f"state-{self._first}.safetensors"
            point = self._log.save(file)
            self._pieces.submit(Segment(self._articles, self._pool.share(file), point, part, self._first))
            self._first += part.height

    def results(self) -> list[R]:
        """Wait for all segments; return their results in order of time.

        Raises:
            WorkerError: a worker died.
        """
        self._results += self._pieces.rest()
        return self._results

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)


def segments(
    log: Replay, work: SegmentWork[R], progress: Progress, workers: ReplayWorkers, requests: int
) -> Segments[R]:
    """Return a replay of so many requests in all, by workers if they pay."""
    pool = workers.pool(log, work, requests)
    return Segments(log, work, progress) if pool is None else WorkerSegments(log, work, progress, pool, requests)
