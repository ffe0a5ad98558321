"""Work on a segment of a replay that does not end; a worker loads little to run it."""

import time
from collections.abc import Callable


def hang(log: object, requests: object, first: int, progress: Callable[[int], None]) -> None:
    """Report the start, and never end."""
    progress(1)
    time.sleep(600)
