"""Spool: slates shown while the log was unavailable, on disk until they can be stored.

One file per process, one line per slate, written before the answer is sent. The line is then in the kernel's
buffers, so killing the process loses nothing; `sync` writes them to disk, and a power cut loses later lines. Each
process locks its file: a file without a lock is of a process that ended.
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
"""Reasons for dropped slates."""

_LISTS = ("candidates", "scores", "propensities")
_LOG_EVERY = 1_000
"""Of dropped slates, the first and then one in this number is logged."""


class Spool:
    """Spool of one process, in a folder that several processes share. Callers hold one lock.

    Attributes:
        waiting: slates in the file of this process.
        taken: slates spooled since the process started.
        dropped: number of slates that never reach the log, by reason.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.waiting = 0
        self.taken = 0
        self.dropped: Counter[str] = Counter()
        self._folder = folder
        self._max_bytes = most_bytes
        self._bytes = 0
        self._path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.jsonl"
        self._file: int | None = None

    def put(self, slate: Slate) -> None:
        """Store a slate if there is room; otherwise count it as dropped, because it was shown."""
        line = (json.dumps(asdict(slate)) + "\n").encode()
        if self._bytes + len(line) > self._max_bytes:
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
        """Write buffered lines to the disk."""
        if self._file is not None:
            os.fsync(self._file)

    def drop(self, reason: str) -> None:
        """Count a slate that never reaches the log."""
        if self.dropped[reason] % _LOG_EVERY == 0:
            logger.error("a slate shown while the database is unavailable is dropped: %s", reason)
        self.dropped[reason] += 1

    @contextmanager
    def emptied(self) -> Iterator[list[Slate]]:
        """Yield all slates of the folder, oldest first, to store them; on success delete the files.

        Files of other running processes stay. Those store their slates too, so the caller must ignore duplicates.
        """
        with ExitStack() as files:
            found, done = self._collect(files)
            yield sorted(found, key=lambda slate: (slate.at, slate.id))
            for path in done:
                path.unlink(missing_ok=True)
            if self._path in done:
                self.close()

    def close(self) -> None:
        """Close the file; the next process that starts stores its slates."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._bytes, self.waiting = None, 0, 0

    def _collect(self, files: ExitStack) -> tuple[list[Slate], list[Path]]:
        slates: list[Slate] = []
        done: list[Path] = []
        for path in self._folder.glob("*.jsonl"):
            try:
                file = files.enter_context(path.open("rb"))
            except FileNotFoundError:  # another process stored and deleted it
                continue
            own = path == self._path
            ended = own or _is_unlocked(file)
            slates += self._read(file, whole=ended)
            done += [path] if ended else []
        return slates, done

    def _read(self, file: IO[bytes], whole: bool) -> Iterator[Slate]:
        for line in file:
            try:
                yield _slate(json.loads(line))
            except (ValueError, TypeError, AttributeError):
                if whole:  # otherwise the line may be incomplete, because it is being written
                    self.drop(UNREADABLE)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._opened()
        written = os.write(self._file, line)
        if written < len(line):  # the disk is full: remove the partial line
            os.ftruncate(self._file, self._bytes)
            raise OSError("the disk is full")

    def _opened(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        file = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)  # it contains reader ids
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(self._path)  # locked before it gets a name that others look for
        return file


def _is_unlocked(file: IO[bytes]) -> bool:
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
