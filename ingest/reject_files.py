"""Reject files: JSON lines, one file per batch with rejects, in a folder of the job."""

import shutil
from pathlib import Path

import polars as pl

from recsys.errors import ConfigError


class RejectFiles:
    """Reject files of one job. A repeated batch writes the same file again, so no row is doubled."""

    def __init__(self, folder: Path) -> None:
        """Create nothing yet: the folder is made with the first reject."""
        self.folder = folder

    def clear(self) -> None:
        """Delete the files of an earlier run of the same job."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, start: int, rejects: pl.DataFrame) -> None:
        """Write the rejects of the batch that starts at `start`, atomically.

        Raises:
            ConfigError: the folder cannot be written.
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
