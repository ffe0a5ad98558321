"""Small pieces of work for a pool of workers."""

import os
import signal
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass
class Marked:
    """Work that takes a second more; a file in `folder` has its node and its piece, each time that it begins."""

    work: Any
    folder: Path

    def __call__(self, piece: Any, progress: Progress) -> Any:
        import ray

        node, number = ray.get_runtime_context().get_node_id(), zlib.crc32(repr(piece).encode())
        (self.folder / f"{node}-{number}-{time.monotonic_ns()}").touch()
        time.sleep(1)
        return self.work(piece, progress)
