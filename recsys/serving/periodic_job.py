"""A job that a thread does again and again until it is told to stop."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Periodic:
    """Runs `job` every `every` seconds, or at once when woken; `patience` seconds after a failure.

    `failure` says why the last run failed, None if it did not: whatever it was, the job is tried again.
    """

    def __init__(self, name: str, job: Callable[[], None], every: float, patience: float) -> None:
        self.failure: str | None = None
        self._job = job
        self._every = every
        self._patience = patience
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Run it for the first time, and from then on."""
        self._thread.start()

    def wake(self) -> None:
        """Let it run now."""
        self._woken.set()

    def stop(self, within: float) -> None:
        """Let it run no more, and wait for a run that is under way for `within` seconds."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join(within)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                self._job()
                self.failure = None
            except Exception as error:
                if str(error) != self.failure:
                    logger.exception("%s: failed, and is tried again", self._thread.name)
                self.failure = str(error)
            if not self._stopping.is_set():
                self._woken.wait(self._every if self.failure is None else self._patience)
