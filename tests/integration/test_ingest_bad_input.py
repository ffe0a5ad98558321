"""Input as bad as it comes: a clear error or a counted reject, never a lost good row."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ingest import jobs
from ingest.job_report import Report
from ingest.sources.csv import CsvFiles
from ingest.sources.ebnerd import Ebnerd
from ingest.sources.jsonl import JsonLines
from ingest.sources.mind import Mind
from ingest.sources.parquet import ParquetFiles
from recsys.errors import DataError
from recsys.store.database import Database
from tests.unit.ingest.ebnerd_tables import ARTICLES, behaviours, history, write

MOMENT = 1_684_393_203
ARTICLE = {"id": "a", "title": "Title"}
CLICK = {"reader": "r", "kind": "click", "article": "a", "at": MOMENT}


@pytest.fixture
def ingest(sqlite_database: Database, tmp_path: Path) -> Callable[[object], Report]:
    """Runs a job, and checks that its books balance."""

    def run(source: object) -> Report:
        report = jobs.run(source, sqlite_database, tmp_path / "rejects")
        assert all(report.unaccounted(kind) == 0 for kind in report.kinds())
        return report

    return run


Ingest = Callable[[object], Report]


def lines(path: Path, *rows: object) -> JsonLines:
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))
    return JsonLines([path])


def test_a_truncated_file_loses_its_last_line_alone(ingest: Ingest, tmp_path: Path) -> None:
    whole = "".join(json.dumps({**CLICK, "at": MOMENT + i}) + "\n" for i in range(9)).encode()
    report = ingest(lines(tmp_path / "log.jsonl", whole[:-20]))
    assert report.count("events", "stored") == 8
    assert report.rejected("unrecognised") == {"row: not JSON": 1}


def test_a_file_that_is_not_utf8_loses_the_lines_that_are_not(ingest: Ingest, tmp_path: Path) -> None:
    latin = json.dumps({"id": "b", "title": "Æble"}, ensure_ascii=False).encode("latin-1")
    report = ingest(lines(tmp_path / "log.jsonl", ARTICLE, latin, CLICK))
    assert (report.count("articles", "stored"), report.count("events", "stored")) == (1, 1)
    assert report.rejected("unrecognised") == {"row: not UTF-8": 1}


def test_a_binary_file_is_rejected_line_by_line(ingest: Ingest, tmp_path: Path) -> None:
    report = ingest(lines(tmp_path / "log.jsonl", bytes(range(256)) * 50))
    assert report.kinds() == ["unrecognised"]


def test_a_title_of_ten_megabytes_is_a_counted_reject_in_every_format(ingest: Ingest, tmp_path: Path) -> None:
    huge = {"id": "huge", "title": "x" * 10_000_000}
    table = pl.DataFrame([huge, ARTICLE])
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    for source in (
        lines(tmp_path / "t.jsonl", huge, ARTICLE),
        CsvFiles([tmp_path / "t.csv"]),
        ParquetFiles([tmp_path / "t.parquet"]),
    ):
        report = ingest(source)
        assert report.rejected("articles") == {"title: longer than 10000 bytes": 1}
        assert report.count("articles", "read") == 2
        assert sum(path.stat().st_size for path in report.rejects_folder.iterdir()) < 2_000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -4.0])
def test_ebnerd_dwell_that_cannot_be_meant_costs_the_read_alone(
    ingest: Ingest, tmp_path: Path, value: float
) -> None:
    views = behaviours({"next_read_time": value, "next_scroll_percentage": value}, {"user_id": 2})
    report = ingest(Ebnerd(write(tmp_path / "eb", views, history({3: [(101, -9, value, None)]}))))
    reason = "value: negative" if value < 0 else "value: not a finite number"
    assert report.rejected("events") == {reason: 3}
    assert report.count("impressions", "stored") == 2
    assert report.count("events", "stored") == 1 + 3 + 1


@pytest.mark.parametrize(
    ("moment", "reason"), [(datetime(1985, 1, 1), "at: before 1990"), (datetime(2199, 1, 1), "at: in the future")]
)
def test_ebnerd_dates_out_of_range(ingest: Ingest, tmp_path: Path, moment: datetime, reason: str) -> None:
    report = ingest(Ebnerd(write(tmp_path / "eb", behaviours({"impression_time": moment}, {"user_id": 2}))))
    assert report.rejected("impressions") == {reason: 1}
    assert report.rejected("events") == {reason: 3}
    assert report.count("impressions", "stored") == 1


def test_ebnerd_rows_without_reader_time_or_candidates(ingest: Ingest, tmp_path: Path) -> None:
    views = behaviours({"user_id": None}, {"impression_time": None}, {"article_ids_inview": None}, {})
    report = ingest(Ebnerd(write(tmp_path / "eb", views)))
    assert report.rejected("impressions") == {"reader: missing": 1, "at: missing": 1, "candidates: empty": 1}
    assert report.count("impressions", "stored") == 1
    assert report.count("events", "stored") == 6


def test_ebnerd_times_and_ids_as_text(ingest: Ingest, tmp_path: Path) -> None:
    views = behaviours({}, {"user_id": 2}).with_columns(
        pl.col("impression_time").dt.strftime("%Y-%m-%d %H:%M:%S"),
        pl.col("user_id", "impression_id").cast(pl.String),
    )
    assert ingest(Ebnerd(write(tmp_path / "eb", views))).count("impressions", "stored") == 2


def test_ebnerd_one_reader_and_no_clicks_at_all(ingest: Ingest, tmp_path: Path) -> None:
    report = ingest(
        Ebnerd(write(tmp_path / "eb", behaviours({"article_ids_clicked": []}, {"article_ids_clicked": None})))
    )
    assert report.count("impressions", "stored") == 2
    assert report.count("events", "read") == 0


def test_ebnerd_articles_twice_with_other_content_are_one(ingest: Ingest, tmp_path: Path) -> None:
    twice = pl.concat([ARTICLES, ARTICLES.with_columns(title=pl.lit("Ny"))])
    report = ingest(Ebnerd(write(tmp_path / "eb", behaviours({}), articles=twice)))
    assert report.count("articles", "stored") == 3
    assert report.count("articles", "read") == 6


def test_a_truncated_parquet_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "eb", behaviours({}))
    path = folder / "behaviors.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"behaviors\.parquet is not a complete Parquet file"):
        Ebnerd(folder)


def test_a_parquet_file_with_a_damaged_page_is_an_error(ingest: Ingest, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame([{**CLICK, "id": f"e{i}"} for i in range(5_000)]).write_parquet(path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        ingest(ParquetFiles([path]))


@pytest.mark.parametrize(
    ("behaviours_text", "reason"),
    [
        ("1\tU1\t1/1/1985 8:00:00 AM\t\tN1-1\n", "at: before 1990"),
        ("1\tU1\t1/1/2199 8:00:00 AM\t\tN1-1\n", "at: in the future"),
        ("1\t\t11/15/2019 8:55:22 AM\t\tN1-1\n", "reader: missing"),
        ("1\tU1\t11/15/2019 8:55:22 AM\t\t\n", "candidates: empty"),
        ("1\tU1\t11/15/2019 8:55:22 AM\t\tN1-1 N2-\n", "shown: labels of some articles only"),
    ],
)
def test_mind_rows_that_cannot_be_meant(ingest: Ingest, tmp_path: Path, behaviours_text: str, reason: str) -> None:
    folder = tmp_path / "mind"
    folder.mkdir()
    good = "2\tU2\t11/15/2019 8:55:22 AM\tN9\tN1-1 N2-0\n"
    (folder / "behaviors.tsv").write_text(good + behaviours_text)
    report = ingest(Mind(folder))
    assert report.rejected("impressions") == {reason: 1}
    assert report.count("impressions", "stored") == 1
    assert report.count("events", "stored") == 2
