"""Slates that were shown while the log could not be reached: on disk until it can.

One file a process, one line a slate, written before the answer leaves. A line is in the kernel's hands then, so
killing the process loses nothing; `sync` brings lines to the disk, and a power cut loses what came since. Each
process holds a lock on its file: one without a lock is what a process left that is no more.
"""

import fcntl
import json
import logging
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

from recsys.domain import Slate

logger = logging.getLogger(__name__)

FULL, UNWRITABLE, UNREADABLE, ERASED = "full", "unwritable", "unreadable", "erased"
"""Why slates are dropped."""

_LISTS = ("candidates", "scores", "propensities")
_TOLD_EVERY = 1_000
"""Of many dropped slates the first is told in the log, and then one in so many."""


class Spool:
    """The spool of one process in a folder that several share. Whoever calls holds one lock.

    Attributes:
        waiting: slates in the file of this process.
        taken: slates spooled since the process started.
        dropped: how many slates never came to the log, by reason.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.waiting = 0
        self.taken = 0
        self.dropped: Counter[str] = Counter()
        self._folder = folder
        self._most = most_bytes
        self._bytes = 0
        self._path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.jsonl"
        self._file: int | None = None

    def put(self, slate: Slate) -> None:
        """Keep a slate, if there is room for it. What cannot be kept is counted: it was answered all the same."""
        line = (json.dumps(asdict(slate)) + "\n").encode()
        if self._bytes + len(line) > self._most:
            self.drop(FULL)
            return
        try:
            self._write(line)
        except OSError as error:
            logger.error("slates cannot be spooled in %s: %s", self._folder, error)
            self.drop(UNWRITABLE)
            return
        self._bytes += len(line)
        self.waiting += 1
        self.taken += 1

    def sync(self) -> None:
        """Bring to the disk what was put."""
        if self._file is not None:
            os.fsync(self._file)

    def drop(self, reason: str) -> None:
        """Count a slate that never comes to the log."""
        if self.dropped[reason] % _TOLD_EVERY == 0:
            logger.error("a slate shown while the database is away is dropped: %s", reason)
        self.dropped[reason] += 1

    @contextmanager
    def emptied(self) -> Iterator[list[Slate]]:
        """All slates of the folder, oldest first, to store them; on success the files go.

        The file of a process that runs stays: it stores its slates too, so storing twice must store once.
        """
        with ExitStack() as held:
            found, done = self._gathered(held)
            yield sorted(found, key=lambda slate: (slate.at, slate.id))
            for path in done:
                path.unlink(missing_ok=True)
            if self._path in done:
                self.close()

    def close(self) -> None:
        """Leave what is in it to whoever starts next."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._bytes, self.waiting = None, 0, 0

    def _gathered(self, held: ExitStack) -> tuple[list[Slate], list[Path]]:
        slates: list[Slate] = []
        done: list[Path] = []
        for path in self._folder.glob("*.jsonl"):
            try:
                file = held.enter_context(path.open("rb"))
            except FileNotFoundError:  # another process stored and deleted it
                continue
            own = path == self._path
            ended = own or _left_behind(file)
            slates += self._read(file, whole=ended)
            done += [path] if ended else []
        return slates, done

    def _read(self, file: IO[bytes], whole: bool) -> Iterator[Slate]:
        for line in file:
            try:
                yield _slate(json.loads(line))
            except (ValueError, TypeError, AttributeError):
                if whole:  # else it is being written
                    self.drop(UNREADABLE)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._opened()
        written = os.write(self._file, line)
        if written < len(line):  # the disk is full: half a line would spoil the next one
            os.ftruncate(self._file, self._bytes)
            raise OSError("the disk is full")

    def _opened(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._path.with_suffix(".new")
        file = os.open(made, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)  # it names readers
        fcntl.flock(file, fcntl.LOCK_EX)
        made.rename(self._path)  # locked before it has a name that others look for
        return file


def _left_behind(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _slate(row: dict[str, Any]) -> Slate:
    if row.keys() != {field.name for field in fields(Slate)}:
        raise ValueError("not a slate of this version")
    lists = {name: None if row[name] is None else tuple(row[name]) for name in _LISTS}
    return Slate(**{**row, **lists})
