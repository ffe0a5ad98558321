"""Reject files: JSON lines, a file for each batch that had any, in a folder of the job's own."""

import shutil
from pathlib import Path

import polars as pl

from recsys.errors import ConfigError


class RejectFiles:
    """Writes a job's reject files. A batch done again writes the same file again, so nothing is doubled."""

    def __init__(self, folder: Path) -> None:
        """Nothing is created before the first reject."""
        self.folder = folder

    def clear(self) -> None:
        """Forget an earlier run of the same job."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, start: int, rejects: pl.DataFrame) -> None:
        """Write the rejects of the batch that began at `start`, all or nothing.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        path = self.folder / f"{start:015d}.jsonl"
        if rejects.is_empty():
            path.unlink(missing_ok=True)
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".part")
            rejects.write_ndjson(unfinished)
            unfinished.replace(path)
        except OSError as error:
            raise ConfigError(f"cannot write rejected rows to {self.folder} ({error}); set ATTUNE_HOME") from error
