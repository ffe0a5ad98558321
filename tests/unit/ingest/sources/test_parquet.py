from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ingest.sources.parquet import ParquetFiles
from recsys.errors import DataError

EVENTS = pl.DataFrame(
    {
        "reader": [1, 2, 3],
        "kind": ["click", "read", "read"],
        "article": ["a", "b", "c"],
        "at": [datetime(2023, 5, 18, 7)] * 3,
        "value": [None, 3.0, float("nan")],
    }
)


def test_typed_columns_become_fields(tmp_path: Path) -> None:
    EVENTS.write_parquet(tmp_path / "events.parquet")
    (batch,) = ParquetFiles([tmp_path]).batches(0)
    assert batch.events.select("reader", "at", "file", "row").row(0) == (
        "1",
        1_684_393_200_000_000,
        "events.parquet",
        1,
    )
    assert batch.events["id"].n_unique() == 3


def test_list_columns_are_lists(tmp_path: Path) -> None:
    table = pl.DataFrame({"reader": ["r"], "at": [1_684_393_203], "candidates": [[1, 2]]})
    table.write_parquet(tmp_path / "slates.parquet")
    (batch,) = ParquetFiles([tmp_path]).batches(0)
    assert batch.slates["candidates"].to_list() == [["1", "2"]]


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_any_split_and_any_resumption_gives_the_same_rows(tmp_path: Path, rows: int) -> None:
    for name in ("a", "b"):
        EVENTS.write_parquet(tmp_path / f"{name}.parquet")
    whole = pl.concat(batch.events for batch in ParquetFiles([tmp_path]).batches(0))
    log = ParquetFiles([tmp_path], rows)
    first = next(log.batches(0))
    parts = pl.concat([first.events, *(batch.events for batch in log.batches(first.position))])
    assert parts.equals(whole)
    assert log.total == 6


def test_an_optional_column_of_another_type_costs_only_itself(tmp_path: Path) -> None:
    EVENTS.with_columns(position=pl.lit("top")).write_parquet(tmp_path / "events.parquet")
    (batch,) = ParquetFiles([tmp_path]).batches(0)
    assert batch.events["problem"].unique().to_list() == [None]
    assert batch.lost.select("reason", "value").unique().rows() == [
        ("position: a text where a whole number is expected", "top")
    ]


def test_files_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    EVENTS.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a complete Parquet file"):
        ParquetFiles([path])


def test_missing_columns_and_no_rows_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    EVENTS.drop("reader").write_parquet(path)
    with pytest.raises(DataError, match="lacks the columns reader"):
        ParquetFiles([path])
    EVENTS.clear().write_parquet(path)
    with pytest.raises(DataError, match="empty"):
        ParquetFiles([path])
