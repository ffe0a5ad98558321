"""Small pieces of work for a pool of workers."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from recsys.errors import DataError

Progress = Callable[[int], None]


def square(piece: int, progress: Progress) -> int:
    """One step."""
    progress(1)
    return piece * piece


def die_once(folder: Path, piece: int, progress: Progress) -> int:
    """The fourth piece kills its worker when it is done for the first time."""
    progress(1)
    if piece == 3 and not (folder / "3").exists():
        (folder / "3").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return piece * piece


def fail(piece: int, progress: Progress) -> int:
    """No piece succeeds."""
    raise DataError(f"piece {piece} is wrong")


def hang(folder: Path, piece: int, progress: Progress) -> None:
    """Report the start, and never end."""
    (folder / "worker").write_text(str(os.getpid()))
    progress(1)
    time.sleep(600)
