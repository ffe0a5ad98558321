"""Reject files of rows that come one by one. The newest remain, so the disk never fills."""

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from recsys.errors import ConfigError

_FILE_ROWS = 1_000
_FILES = 20
"""Files of all processes together."""


class RollingRejects:
    """Appends rejected rows to files of one folder, which other processes may use too.

    Args:
        folder: created with the first row.
        file_rows: rows after which a new file begins.
        files: number of newest files that remain.
    """

    def __init__(self, folder: Path, file_rows: int = _FILE_ROWS, files: int = _FILES) -> None:
        self._folder = folder
        self._file_rows, self._files = file_rows, files
        self._path: Path | None = None
        self._rows = 0
        self._lock = threading.Lock()

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Append rows.

        Raises:
            ConfigError: the folder cannot be written.
        """
        with self._lock:
            try:
                if self._path is None or self._rows >= self._file_rows:
                    self._path, self._rows = self._begin(), 0
                # opened anew each time: an erasure may have replaced the file
                with self._path.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
            except OSError as error:
                raise ConfigError(
                    f"cannot write rejected rows to {self._folder} ({error}); set ATTUNE_HOME"
                ) from error
            self._rows += len(rows)

    def _begin(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        found = sorted(self._folder.glob("*.jsonl"))
        for path in found[: max(0, len(found) + 1 - self._files)]:
            path.unlink(missing_ok=True)
        return self._folder / f"{time.time_ns():020d}-{os.getpid()}.jsonl"
