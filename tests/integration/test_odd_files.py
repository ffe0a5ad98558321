"""Odd files: every field with every type, in every format, and texts in many encodings. All are made here."""

import csv
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from api.application import ingestion
from ingest.field_names import RECORDS
from ingest.job_report import Report
from ingest.jobs import run
from ingest.sources.csv import CsvFiles
from ingest.sources.jsonl import JsonLines
from ingest.sources.parquet import ParquetFiles
from recsys.errors import DataError
from recsys.records import fields_of
from recsys.store.database import Database
from tests.application import application

GOOD: dict[str, dict[str, Any]] = {
    "articles": {"id": "a", "title": "Title"},
    "events": {"id": "e", "reader": "r", "kind": "click", "article": "a", "at": "2024-05-01T07:00:00Z"},
    "impressions": {"id": "s", "reader": "r", "at": "2024-05-01T07:00:00Z", "candidates": ["a", "b"]},
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**40,
    1.5,
    math.nan,
    math.inf,
    "",
    "NULL",
    "plain",
    " padded ",
    "2024-05-01",
    "a,b|c",
    "<b>bold</b>",
    "x" * 600,
    "é\u200b🙂",
    "a\0b",
    [],
    ["a", None, 1],
    {"a": {"b": 1}},
]
TYPED: list[Any] = [
    b"\xff\x00",
    Decimal("1.50"),
    date(2024, 5, 1),
    datetime(2024, 5, 1, tzinfo=UTC),
    time(7),
    timedelta(1),
]
CASES = [(kind, field.name) for kind, record in RECORDS.items() for field in fields_of(record)]
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
    "cp1251",
    "shift_jis",
    "gb18030",
    "iso8859-15",
)


def rows_of(kind: str, field: str, values: list[Any]) -> list[dict[str, Any]]:
    rows = [{**GOOD[kind], "id": f"{kind}-{field}-{place}"} for place in range(len(values))]
    return [{**row, field: value} for row, value in zip(rows, values, strict=True)]


def by_type(values: list[Any]) -> list[list[Any]]:
    """The values that can stand in one column together; a column has one type."""
    found: dict[type, list[Any]] = {}
    for value in values:
        if value is not None:
            found.setdefault(type(value), []).append(value)
    return list(found.values())


def settled(report: Report) -> None:
    """Every row has one outcome, and every problem names its field and a fix."""
    for kind in report.kinds():
        assert report.unaccounted(kind) == 0
        assert all(": " in reason for reason in [*report.rejected(kind), *report.lost(kind)])
    for file in report.rejects_folder.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            assert json.loads(line)["fix"], line


@pytest.mark.parametrize("kind", list(RECORDS))
def test_every_field_with_every_type_is_settled_in_every_format(
    kind: str, sqlite_database: Database, tmp_path: Path
) -> None:
    names = [field.name for field in fields_of(RECORDS[kind])]
    rows = [row for name in names for row in rows_of(kind, name, ODD)]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows([{**row, "id": f"csv-{row.get('id')}"} for row in rows])
    settled(run(JsonLines([tmp_path / "rows.jsonl"]), sqlite_database, tmp_path / "rejects"))
    settled(run(CsvFiles([tmp_path / "rows.csv"]), sqlite_database, tmp_path / "rejects"))
    for name in names:
        for place, values in enumerate(by_type([*ODD, *TYPED])):
            if isinstance(values[0], time | timedelta) and name == "id":
                continue
            rows = rows_of(kind, name, values)
            columns = {key: [row[key] for row in rows] for key in rows[0]}
            pl.DataFrame(columns, strict=False).write_parquet(tmp_path / f"{name}-{place}.parquet")
    settled(run(ParquetFiles([tmp_path]), sqlite_database, tmp_path / "rejects"))


@pytest.mark.parametrize("kind", ["articles", "events"])
def test_the_same_rows_over_http_are_settled(kind: str, sqlite_database: Database, tmp_path: Path) -> None:
    app = application(sqlite_database, tmp_path)
    names = [field.name for field in fields_of(RECORDS[kind])]
    rows = [row for name in names for row in rows_of(kind, name, ODD)]
    store = ingestion.put_articles if kind == "articles" else ingestion.append_events
    received = store(app, rows)
    assert received.accepted + received.duplicates + len(received.rejected) == len(rows)
    assert all(row.problem.fix and ": " in row.problem.reason for row in [*received.rejected, *received.lost])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_end_is_read_or_refused_in_one_line(
    encoding: str, ending: str, sqlite_database: Database, tmp_path: Path
) -> None:
    text = ending.join(["id,title,category", "a1,Title,lokalt", "a2,Other,sport", ""])
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    try:
        report = run(CsvFiles([tmp_path / "a.csv"]), sqlite_database, tmp_path / "rejects")
    except DataError as error:
        assert "convert" in str(error) and "\n" not in str(error)
    else:
        settled(report)
        assert report.count("articles", "stored") == 2
