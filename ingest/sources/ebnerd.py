"""EB-NeRD (Kruse et al., RecSys Challenge 2024): the official Parquet files, of all its bundles.

Behaviours and histories are read in buckets of readers, so that memory is bounded and all rows of a reading are
together. docs/ingest.md describes the columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import polars as pl

from ingest import reading_dedup
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_EVENTS, Batch
from ingest.sources import ebnerd_behaviour as behaviour
from ingest.sources import source
from ingest.sources.ebnerd_articles import to_articles
from ingest.sources.parquet import collect, height, scan
from recsys.errors import DataError
from recsys.frames import conform

_SPLITS = ("", "train", "validation")
_REQUIRED = {
    "articles.parquet": ("article_id", "title"),
    "behaviors.parquet": behaviour.BEHAVIOURS_REQUIRED,
    "history.parquet": behaviour.HISTORY_REQUIRED,
}
_USED = {
    "behaviors.parquet": {official for official, _ in behaviour.BEHAVIOURS.values()},
    "history.parquet": {"user_id", *behaviour.HISTORY_LISTS.values()},
}
_ARTICLE_ROWS = 5_000
BUCKET_ENTRIES = 40_000
"""History entries and impressions of one batch; each gives up to three events."""

_BUCKETS_READ_AT_ONCE = 64


class Ebnerd:
    """Source of a folder with the official files, directly or in ``train`` and ``validation``."""

    name = "ebnerd"

    def __init__(self, folder: Path, bucket_entries: int = BUCKET_ENTRIES, pseudonyms: Pseudonyms = PLAIN) -> None:
        """Find the files, read their schemas, and choose the number of buckets of readers.

        Raises:
            DataError: the folder, files or columns are missing, a file is not Parquet, or all are empty.
        """
        self._pseudonyms = pseudonyms
        self._articles = _find(folder, "articles.parquet")
        self._behaviours = _find(folder, "behaviors.parquet")
        self._histories = _find(folder, "history.parquet")
        paths = [*self._articles, *self._behaviours, *self._histories]
        if not paths:
            raise DataError(f"{folder} contains no EB-NeRD files: expected {', '.join(_REQUIRED)}")
        self._article_steps = [
            (path, first) for path in self._articles for first in range(0, height(path), _ARTICLE_ROWS)
        ]
        entries = sum(map(height, self._behaviours)) + sum(map(_history_entries, self._histories))
        self._buckets = ceil(entries / bucket_entries)
        self.total = len(self._article_steps) + self._buckets
        if not self.total:
            raise DataError(f"{folder}: the data set is empty; download it again")
        self.fingerprint = source.fingerprint(f"{self.name}:{bucket_entries}", paths)

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield articles first, then one batch per bucket of readers; positions count batches."""
        for step in range(start, len(self._article_steps)):
            path, first = self._article_steps[step]
            table = collect(scan(path).slice(first, _ARTICLE_ROWS), path)
            yield Batch(step + 1, articles=to_articles(table, path, first + 1))
        skip = len(self._article_steps)
        for bucket, views, past in self._read_buckets(max(0, start - skip)):
            yield replace(bucket_batch(views, past), position=skip + bucket + 1)

    def _read_buckets(self, start: int) -> Iterator[tuple[int, pl.DataFrame, pl.DataFrame]]:
        for first in range(start, self._buckets, _BUCKETS_READ_AT_ONCE):
            group = range(first, min(first + _BUCKETS_READ_AT_ONCE, self._buckets))
            views = [self._rows(path, group) for path in self._behaviours]
            past = [self._rows(path, group) for path in self._histories]
            for bucket in group:
                yield bucket, _of_bucket(views, bucket), _of_bucket(past, bucket)

    def _rows(self, path: Path, group: range) -> pl.DataFrame:
        rows = scan(path)
        used = [name for name in rows.collect_schema().names() if name in _USED[path.name]]
        reader = pl.col("user_id").cast(pl.Int64, strict=False).fill_null(0).abs()
        rows = rows.select(used).with_row_index("row", offset=1).with_columns(bucket=reader % self._buckets)
        in_group = rows.filter(pl.col("bucket").is_between(group.start, group.stop - 1))
        label = path.name if path.parent.name not in _SPLITS else f"{path.parent.name}/{path.name}"
        found = collect(in_group, path).with_columns(
            pl.col("row").cast(pl.Int64), pl.col("user_id").cast(pl.String), file=pl.lit(label)
        )
        return self._pseudonyms.in_frame(found, "user_id")


def bucket_batch(views: pl.DataFrame, past: pl.DataFrame) -> Batch:
    """Convert all rows of some readers (official columns, `file` and `row`) to one batch, at position 0."""
    rows = behaviour.behaviours(views)
    entries, broken = behaviour.history(past)
    readings = pl.concat([behaviour.clicks(rows), entries, behaviour.pages(rows)])
    once, merged = reading_dedup.merge(readings)
    events = conform(reading_dedup.to_events(once), RAW_EVENTS)
    return Batch(0, events=events, slates=behaviour.slates(rows), rejects=broken, merged=merged)


def _of_bucket(tables: Sequence[pl.DataFrame], bucket: int) -> pl.DataFrame:
    parts = [table.filter(pl.col("bucket") == bucket) for table in tables]
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def _find(folder: Path, name: str) -> list[Path]:
    found = [folder / split / name for split in _SPLITS if (folder / split / name).is_file()]
    for path in found:
        columns = scan(path).collect_schema().names()
        missing = [column for column in _REQUIRED[name] if column not in columns]
        if missing:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}: use the official file")
    return found


def _history_entries(path: Path) -> int:
    entries = collect(scan(path).select(pl.col("article_id_fixed").list.len().sum()), path).item()
    return int(entries or 0)
