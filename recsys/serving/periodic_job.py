"""Periodic job: a thread that calls a function repeatedly until it is stopped."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Periodic:
    """Thread that runs `job` every `every` seconds, or at once after `wake`; `patience` seconds after a failure.

    `failure` is the message of the last run's error, or None; the job is always tried again.
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
        """Run the job now, and periodically from then on."""
        self._thread.start()

    def wake(self) -> None:
        """Run the job now."""
        self._woken.set()

    def stop(self, within: float) -> None:
        """Stop the job, and wait up to `within` seconds for a run in progress."""
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
                    logger.exception("%s: failed, will be tried again", self._thread.name)
                self.failure = str(error)
            if not self._stopping.is_set():
                self._woken.wait(self._every if self.failure is None else self._patience)
