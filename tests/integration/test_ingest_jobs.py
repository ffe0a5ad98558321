"""Jobs on both databases: once is once, however often it is run and wherever it is cut."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from ingest import jobs
from ingest.job_report import Report
from ingest.raw_batch import Batch
from ingest.sources.csv import CsvFiles
from ingest.sources.jsonl import JsonLines
from ingest.sources.parquet import ParquetFiles
from recsys.store import event_log_reader
from recsys.store.articles import get
from recsys.store.database import Database

MOMENT = 1_684_393_203
ROWS: list[dict[str, object]] = [
    {"id": "a", "title": "A"},
    {"id": "b", "title": "B"},
    *({"reader": f"r{i % 3}", "kind": "click", "article": "ab"[i % 2], "at": MOMENT + i} for i in range(20)),
    *({"id": f"s{i}", "reader": "r0", "at": MOMENT + i, "candidates": ["a", "b", "c"]} for i in range(5)),
    {"reader": "r1", "kind": "read", "article": "a", "at": MOMENT, "value": float("nan")},
    {"nonsense": True},
]


class StopHereError(Exception):
    """Stands for whatever may end a job."""


class CutShort:
    """A source that fails after some batches."""

    def __init__(self, whole: JsonLines, batches: int) -> None:
        self._whole, self._batches = whole, batches
        self.name, self.fingerprint, self.total = whole.name, whole.fingerprint, whole.total

    def batches(self, start: int) -> Iterator[Batch]:
        for number, batch in enumerate(self._whole.batches(start)):
            if number == self._batches:
                raise StopHereError
            yield batch


def written(path: Path, rows: list[dict[str, object]], size: int = 300) -> JsonLines:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return JsonLines([path], size)


def stored(database: Database) -> dict[str, list[str]]:
    with database.read() as connection:
        chunks = list(event_log_reader.stream(connection))
        known = get(connection, ["a", "b", "c"])
    return {
        "articles": known["id"].to_list(),
        "events": sorted(pl.concat([chunk.events for chunk in chunks])["id"]) if chunks else [],
        "slates": sorted(pl.concat([chunk.slates for chunk in chunks])["id"]) if chunks else [],
    }


def balanced(report: Report) -> bool:
    return all(report.unaccounted(kind) == 0 for kind in report.kinds())


def rejects(report: Report) -> list[tuple[int, str]]:
    lines = [line for path in sorted(report.rejects_folder.glob("*")) for line in path.read_text().splitlines()]
    return [(row["row"], row["reason"]) for row in map(json.loads, lines)]


def test_every_row_is_stored_or_counted(database: Database, tmp_path: Path) -> None:
    report = jobs.run(written(tmp_path / "log.jsonl", ROWS), database, tmp_path / "rejects")
    assert balanced(report)
    assert [report.count(kind, "stored") for kind in ("articles", "events", "impressions")] == [2, 20, 5]
    assert report.rejected("events") == {"value: missing": 1}
    assert report.rejected("unrecognised") == {"row: neither article, event nor impression": 1}
    assert rejects(report) == [
        (28, "value: missing"),
        (29, "row: neither article, event nor impression"),
    ]
    assert [len(rows) for rows in stored(database).values()] == [2, 20, 5]


def test_a_second_run_stores_nothing(database: Database, tmp_path: Path) -> None:
    source = written(tmp_path / "log.jsonl", ROWS)
    jobs.run(source, database, tmp_path / "rejects")
    once = stored(database)
    report = jobs.run(source, database, tmp_path / "rejects")
    assert balanced(report)
    assert [report.count(kind, "stored") for kind in report.kinds()] == [0, 0, 0, 0]
    assert [report.count(kind, "duplicate") for kind in report.kinds()] == [2, 5, 20, 0]
    assert stored(database) == once
    assert len(rejects(report)) == 2


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_every_format_brings_images_and_expiries(database: Database, tmp_path: Path, suffix: str) -> None:
    rows = pl.DataFrame(
        {
            "id": ["a", "b"],
            "title": ["A", "B"],
            "image_url": ["https://x/a.jpg", None],
            "expires_at": [MOMENT, None],
        }
    )
    file = tmp_path / f"articles.{suffix}"
    write = {"jsonl": rows.write_ndjson, "csv": rows.write_csv, "parquet": rows.write_parquet}
    source = {"jsonl": JsonLines, "csv": CsvFiles, "parquet": ParquetFiles}
    write[suffix](file)
    assert balanced(jobs.run(source[suffix]([file]), database, tmp_path / "rejects"))
    with database.read() as connection:
        found = get(connection, ["a", "b"])
    assert found["image_url"].to_list() == ["https://x/a.jpg", None]
    assert found["expires_at"].to_list() == [MOMENT * 1_000_000, None]


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_an_interrupted_job_goes_on_where_it_stopped(database: Database, tmp_path: Path, batches: int) -> None:
    source = written(tmp_path / "log.jsonl", ROWS)
    with pytest.raises(StopHereError):
        jobs.run(CutShort(source, batches), database, tmp_path / "rejects")
    seen: list[tuple[int, int]] = []
    report = jobs.run(source, database, tmp_path / "rejects", lambda done, total: seen.append((done, total)))
    assert report.resumed_from > 0
    assert seen[0][0] > report.resumed_from
    assert seen[-1] == (source.total, source.total)
    assert balanced(report)
    assert sum(report.count(kind, "read") for kind in report.kinds()) == len(ROWS)
    assert sum(report.count(kind, "duplicate") for kind in report.kinds()) == 0
    assert len(rejects(report)) == 2


def test_interrupted_or_not_the_log_is_the_same(
    sqlite_database: Database, database: Database, tmp_path: Path
) -> None:
    source = written(tmp_path / "log.jsonl", ROWS)
    jobs.run(source, sqlite_database, tmp_path / "one")
    for batches in (1, 2):
        with pytest.raises(StopHereError):
            jobs.run(CutShort(source, batches), database, tmp_path / "two")
    jobs.run(source, database, tmp_path / "two")
    assert stored(database) == stored(sqlite_database)


def test_the_same_id_with_other_content_is_rejected_and_the_first_stays(
    database: Database, tmp_path: Path
) -> None:
    event = {"id": "e", "reader": "r", "kind": "click", "article": "a", "at": MOMENT}
    slate = {"id": "s", "reader": "r", "at": MOMENT, "candidates": ["a"]}
    first = [event, event, {**event, "article": "b"}, slate, {**slate, "candidates": ["b"]}]
    one = jobs.run(written(tmp_path / "one.jsonl", first, 1 << 20), database, tmp_path / "rejects")
    two = jobs.run(
        written(tmp_path / "two.jsonl", [{**event, "article": "c"}, slate]), database, tmp_path / "rejects"
    )
    assert (one.count("events", "stored"), one.count("events", "duplicate")) == (1, 1)
    assert one.rejected("events") == two.rejected("events") == {"id: stored already with other content": 1}
    assert one.rejected("impressions") == {"id: stored already with other content": 1}
    assert two.count("impressions", "duplicate") == 1
    assert rejects(one) == [
        (3, "id: stored already with other content"),
        (5, "id: stored already with other content"),
    ]
    assert balanced(one)
    assert balanced(two)


def test_an_article_sent_again_is_updated(database: Database, tmp_path: Path) -> None:
    jobs.run(written(tmp_path / "one.jsonl", [{"id": "a", "title": "Old"}]), database, tmp_path / "rejects")
    again = [{"id": "a", "title": "New"}, {"id": "b", "title": "B"}]
    report = jobs.run(written(tmp_path / "two.jsonl", again), database, tmp_path / "rejects")
    assert (report.count("articles", "updated"), report.count("articles", "stored")) == (1, 1)
    with database.read() as connection:
        assert get(connection, ["a"])["title"].to_list() == ["New"]


def test_ids_without_an_article_are_counted_and_kept(database: Database, tmp_path: Path) -> None:
    report = jobs.run(written(tmp_path / "log.jsonl", ROWS, 1 << 20), database, tmp_path / "rejects")
    assert report.count("events", "unknown_article") == 0
    assert report.count("impressions", "unknown_article") == 5
    assert report.count("impressions", "stored") == 5


def test_one_reader_and_no_clicks_at_all(database: Database, tmp_path: Path) -> None:
    rows = [row for row in ROWS if "candidates" in row]
    report = jobs.run(written(tmp_path / "log.jsonl", rows), database, tmp_path / "rejects")
    assert report.kinds() == ["impressions"]
    assert report.count("impressions", "stored") == len(rows)


def test_nothing_may_be_later_than_now(database: Database, tmp_path: Path) -> None:
    source = written(tmp_path / "log.jsonl", ROWS[:4])
    report = jobs.run(source, database, tmp_path / "rejects", now=lambda: (MOMENT - 3_600) * 1_000_000)
    assert report.rejected("events") == {"at: in the future": 2}


def test_the_report_counts_rows_of_this_run(database: Database, tmp_path: Path) -> None:
    report = jobs.run(written(tmp_path / "log.jsonl", ROWS), database, tmp_path / "rejects")
    assert report.rows_this_run == len(ROWS)
    assert report.resumed_from == 0
    assert report.seconds > 0
