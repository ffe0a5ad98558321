"""Encoder in a process of its own, so that processes that answer requests hold neither torch nor the model.

The process starts with the first texts, and ends after some idle minutes, or with the process that started it. All
processes of one home share one: a file lock lets a second one end at once, and `EncoderBusyError` says that the
vectors will be found in the database.
"""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from recsys.encoder.article_text import ArticleText
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoded, ModelEncoder, TokenEncoder
from recsys.errors import EncoderBusyError, EncoderError
from recsys.serving.encoding_worker import IDLE_SECONDS, Encoding, EncodingJob, MakeEncoder, encode_jobs
from recsys.settings import Settings

if TYPE_CHECKING:
    from recsys.encoder.model_profile import ModelProfile

logger = logging.getLogger(__name__)

SHORTEST_WAIT, LONGEST_WAIT = 10.0, 300.0
"""Seconds after a crash before the process is started again; the wait doubles with each crash in a row."""

_STOP_SECONDS = 5.0
"""Seconds that a stopped process has before it is killed."""


@dataclass(frozen=True, slots=True)
class _Child:
    process: SpawnProcess
    connection: Connection

    def end(self) -> int | None:
        """Wait for the end of the process, or kill it; return its exit status."""
        self.process.join(_STOP_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return self.process.exitcode


class EncodingProcess:
    """`ModelEncoder` whose `encode` works in another process; `loaded` loads the model into this one.

    Args:
        settings: of the encoder; the lock is in their home.
        prepare: called first in the new process, for example to configure its log.
        make: makes the encoder there.
        idle: seconds without texts after which the process ends.
    """

    def __init__(
        self,
        settings: Settings,
        prepare: Callable[[], None] | None = None,
        make: MakeEncoder = LazyEncoder,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._settings, self._prepare, self._make, self._idle = settings, prepare, make, idle
        self._local = make(settings)
        self._turn = threading.Lock()
        self._child: _Child | None = None
        self._wait, self._retry_at = SHORTEST_WAIT, 0.0
        self._stopped = False

    @property
    def name(self) -> str:
        """See `protocols.Encoder.name`."""
        return self._local.name

    @property
    def profile(self) -> "ModelProfile":
        """Pooling and prompt of the model."""
        assert isinstance(self._local, LazyEncoder)
        return self._local.profile

    @property
    def running(self) -> bool:
        """True while the process runs."""
        return self._child is not None and self._child.process.is_alive()

    def loaded(self) -> TokenEncoder:
        """Return the model, loaded into this process: for the few requests that look at its attention.

        Raises:
            EncoderError: it cannot be loaded.
        """
        return self._local.loaded()

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Implement `protocols.Encoder.encode`.

        Raises:
            EncoderBusyError: see `run`.
        """
        return self.run(EncodingJob(tuple(texts))).encoded

    def run(self, job: EncodingJob) -> Encoding:
        """Encode in the other process, which is started if needed.

        Raises:
            EncoderBusyError: a process that another one started encodes now.
            EncoderError: the process crashed, or cannot encode.
        """
        with self._turn:
            if self._stopped:
                raise EncoderError("the encoding process was stopped")
            if time.monotonic() < self._retry_at:
                raise EncoderError("the encoding process crashed; it is started again later")
            try:
                outcome = self._outcome(job)
            except EOFError as error:
                raise self._crashed() from error
        self._wait = SHORTEST_WAIT
        if isinstance(outcome, EncoderError):
            raise outcome
        return outcome

    def stop(self) -> None:
        """End the process; texts in it are encoded by the next start."""
        self._stopped = True
        child = self._child
        if child is not None:
            child.process.terminate()  # a thread that waits for an answer gets EOFError
            child.end()

    def _outcome(self, job: EncodingJob) -> "Encoding | EncoderError":
        """Return the answer to a job.

        Raises:
            EOFError: the process ended without one.
        """
        child = self._child
        if child is not None:
            try:
                return _ask(child, job)
            except EOFError:
                if child.end() != 0:  # otherwise it was idle for too long
                    raise
        self._child = None
        self._child = self._started()
        return _ask(self._child, job)

    def _started(self) -> _Child:
        """Start the process.

        Raises:
            EncoderBusyError: another one has the lock.
            EOFError: it ended at once.
        """
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        self._settings.home.mkdir(parents=True, exist_ok=True)
        arguments = (there, self._settings, self._make, self._prepare, self._idle)
        process = context.Process(target=encode_jobs, args=arguments, name="encoder", daemon=True)
        process.start()
        there.close()
        child = _Child(process, here)
        self._child = child  # also for `stop`, while this waits
        if not here.recv():
            child.end()
            self._child = None
            raise EncoderBusyError("another process of this machine encodes articles now")
        logger.info("the encoding process %d started", process.pid)
        return child

    def _crashed(self) -> EncoderError:
        """Forget the process, and wait before the next one is started."""
        if self._stopped:
            return EncoderError("the encoding process was stopped")
        status = None if self._child is None else self._child.end()
        self._child = None
        self._retry_at = time.monotonic() + self._wait
        logger.error("the encoding process ended with status %s; next start in %g s", status, self._wait)
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        return EncoderError("the encoding process crashed; it is started again later")


def _ask(child: _Child, job: EncodingJob) -> "Encoding | EncoderError":
    try:
        child.connection.send(job)
        outcome = child.connection.recv()
    except OSError as error:  # a broken pipe
        raise EOFError from error
    assert isinstance(outcome, Encoding | EncoderError)
    return outcome


@contextmanager
def encoding_apart(settings: Settings, prepare: Callable[[], None] | None = None) -> Iterator[ModelEncoder]:
    """Yield an encoder that works in a process of its own, and end that process afterwards."""
    encoder = EncodingProcess(settings, prepare)
    try:
        yield encoder
    finally:
        encoder.stop()
