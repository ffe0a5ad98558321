"""Port for independent pieces of work that other processes do; results come in the order of the pieces."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

P = TypeVar("P")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
Progress = Callable[[int], None]

_TICK = 0.5
"""Seconds between two reports of progress."""


class Work(Protocol[P_contra, R_co]):
    """Work on one piece. It can be pickled; each worker loads it once."""

    def __call__(self, piece: P_contra, progress: Progress) -> R_co:
        """Do `piece`; `progress` gets the number of its steps that are done."""


class SharedFile(Protocol):
    """File that workers can read. It can be pickled, as a part of a piece."""

    def opened(self) -> AbstractContextManager[Path]:
        """Return the file for a `with` block, in a worker or here."""

    def delete(self) -> None:
        """Delete it if it lies on disk: nobody reads it again."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """`SharedFile` on a disk of this machine."""

    path: Path

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Implement `SharedFile`."""
        yield self.path

    def delete(self) -> None:
        """Implement `SharedFile`."""
        self.path.unlink()


class WorkerPool(Protocol[P_contra, R]):
    """Workers that all do the same `Work`. They start and end with a `with` block; an error in it kills them."""

    @property
    def workers(self) -> int:
        """Return the number of pieces that are done at once."""

    @property
    def folder(self) -> Path:
        """Return a folder that only this user can read; it is deleted at the end of the block."""

    def share(self, file: Path) -> SharedFile:
        """Let workers read `file`, which lies in `folder` and is not used here any more."""

    def submit(self, piece: P_contra) -> Future[R]:
        """Start a piece as soon as a worker is free.

        Raises:
            WorkerError: a worker died.
        """

    def steps_done(self) -> int:
        """Return the number of steps of all pieces that are done."""

    def error_of(self, error: BaseException) -> BaseException:
        """Return the error to raise for that of a future: the one of the work itself, or a `WorkerError`."""

    def __enter__(self) -> Self:
        """Start the workers."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers."""


class PiecesInOrder(Generic[P, R]):
    """Pieces of a pool of workers in order; few of them wait at a time, because each may hold much.

    Args:
        pool: the workers; its block is open.
        progress: gets the number of steps that are done, about twice a second while this process waits.
    """

    def __init__(self, pool: WorkerPool[P, R], progress: Progress) -> None:
        self._pool, self._progress = pool, progress
        self._futures: deque[Future[R]] = deque()
        self._pending: set[Future[R]] = set()

    def make_room(self) -> None:
        """Wait until no more pieces are left than there are workers.

        Raises:
            WorkerError: a worker died.
        """
        self._wait(self._pool.workers)

    def submit(self, piece: P) -> None:
        """Start a piece; call `make_room` before it is made.

        Raises:
            WorkerError: a worker died.
        """
        future = self._pool.submit(piece)
        self._futures.append(future)
        self._pending.add(future)

    def ready(self) -> Iterator[R]:
        """Yield the results that are there, up to the first piece that is not done."""
        while self._futures and self._futures[0].done():
            yield self._result(self._futures.popleft())

    def rest(self) -> Iterator[R]:
        """Yield the results that were not yielded before; wait for each of them.

        Raises:
            WorkerError: a worker died.
        """
        while self._futures:
            while not self._futures[0].done():
                self._wait(len(self._pending) - 1)
            yield from self.ready()
        self._wait(0)

    def _wait(self, most: int) -> None:
        """Wait until at most `most` pieces are left; raise the error of one that failed."""
        while len(self._pending) > most:
            done, self._pending = wait(self._pending, _TICK, FIRST_COMPLETED)
            for future in done:
                self._result(future)
            self._progress(self._pool.steps_done())

    def _result(self, future: Future[R]) -> R:
        error = future.exception()
        if error is None:
            return future.result()
        raised = self._pool.error_of(error)
        if raised is error:
            raise error
        raise raised from error


def mapped(pool: WorkerPool[P, R], pieces: Iterable[P], progress: Progress = lambda _: None) -> Iterator[R]:
    """Yield the result of each piece, in order; `pieces` are drawn as workers become free.

    Raises:
        WorkerError: a worker died.
    """
    with pool:
        ordered: PiecesInOrder[Any, R] = PiecesInOrder(pool, progress)
        for piece in pieces:
            ordered.make_room()
            ordered.submit(piece)
            yield from ordered.ready()
        yield from ordered.rest()
