"""Thread that folds the whole log, while an older state answers."""

import logging
import threading
from collections.abc import Callable

from recsys.errors import AttuneError
from recsys.projection.full_fold import FoldedLog, FoldStoppedError

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts; each pause is twice as long as the one before."""

_STOP_SECONDS = 10.0
"""Longest wait for a thread that stops: it folds one piece to its end."""


class BackgroundFold:
    """Thread that runs `fold` until it succeeds; after a failure it tries again.

    Args:
        fold: gets an event that is set when it has to stop.

    Attributes:
        failure: reason why the last attempt failed, None before it ends.
    """

    def __init__(self, fold: Callable[[threading.Event], FoldedLog]) -> None:
        self.failure: str | None = None
        self._fold = fold
        self._folded: FoldedLog | None = None
        self._done, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="fold", daemon=True)
        self._thread.start()

    def result(self, within: float = 0.0) -> FoldedLog | None:
        """Return the folded log, None if it is not ready within so many seconds."""
        self._done.wait(within)
        return self._folded

    def stop(self) -> None:
        """Stop the thread without a result."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set() and not self._attempt():
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self) -> bool:
        """Fold; return True when there is nothing more to do."""
        try:
            self._folded = self._fold(self._stopping)
        except FoldStoppedError:
            return True
        except Exception as error:  # also a full disk or too little memory: feeds go on, and it may end
            if str(error) != self.failure:
                known = isinstance(error, AttuneError)
                logger.error(
                    "the log cannot be folded again, an older state answers meanwhile: %s",
                    error if known else type(error).__name__,
                    exc_info=None if known else error,
                )
            self.failure = str(error)
            return False
        self._done.set()
        return True
