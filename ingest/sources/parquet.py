"""Parquet files with the generic columns; a file has one kind of rows, by its columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from ingest import generic_schema
from ingest.generic_schema import DEFAULT, Reading
from ingest.raw_batch import Batch, rejects_frame
from ingest.sources import source
from recsys.errors import DataError

_BATCH_ROWS = 50_000


def scan(path: Path) -> pl.LazyFrame:
    """Open a Parquet file lazily, and read its schema.

    Raises:
        DataError: it is not a Parquet file, or is incomplete.
    """
    try:
        frame = pl.scan_parquet(path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} is not a complete Parquet file ({error}); copy it again") from error
    return frame


def collect(frame: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """Run a query over a Parquet file.

    Raises:
        DataError: a page of the file cannot be read.
    """
    try:
        return frame.collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} cannot be read ({error}); copy it again") from error


def height(path: Path) -> int:
    """Return the number of rows in a Parquet file."""
    return int(collect(scan(path).select(pl.len()), path).item())


class ParquetFiles:
    """Source of Parquet files, or folders of ``*.parquet``."""

    name = "parquet"

    def __init__(self, paths: Sequence[Path], batch_rows: int = _BATCH_ROWS, reading: Reading = DEFAULT) -> None:
        """Find the files and read their schemas.

        Raises:
            DataError: a path does not exist, is not Parquet, lacks required columns, or all files are empty.
        """
        self._batch_rows = batch_rows
        self._reading = reading
        self._paths = source.expand(paths, ".parquet")
        self._kinds = (
            {}
            if reading.mapping is not None
            else {path: source.required_kind(path, scan(path).collect_schema().names()) for path in self._paths}
        )
        self._rows = {path: height(path) for path in self._paths}
        self.fingerprint = source.fingerprint(reading.job_name(self.name), self._paths)
        self.total = sum(self._rows.values())
        if not self.total:
            raise DataError(f"{', '.join(map(str, paths))}: the data set is empty; give other files")

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield batches of rows; positions are rows over all files."""
        before = 0
        for path in self._paths:
            for first in range(max(0, start - before), self._rows[path], self._batch_rows):
                yield self._batch(path, first, before)
            before += self._rows[path]

    def _batch(self, path: Path, first: int, before: int) -> Batch:
        table = collect(scan(path).slice(first, self._batch_rows), path)
        places = pl.select(
            row=pl.int_range(first + 1, first + 1 + table.height, dtype=pl.Int64),
            file=pl.lit(path.name),
            raw=pl.lit(None, dtype=pl.String),
        )
        position = before + first + table.height
        if self._reading.mapping is not None:
            return generic_schema.mapped_batch(
                position, table.to_dicts(), places, self._reading, rejects_frame([])
            )
        rows = generic_schema.from_rows(table.to_dicts(), places, self._kinds[path], self._reading)
        return generic_schema.batch_of(position, self._kinds[path], rows, rejects_frame([]))
