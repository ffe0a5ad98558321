"""A later folder into the same database: new readers and articles, histories that overlap what is stored."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest import jobs
from ingest.job_report import Report
from ingest.sources.ebnerd import Ebnerd
from recsys.store import event_log_reader
from recsys.store.database import Database
from tests.unit.ingest.ebnerd_tables import START, behaviours, history, write

MIDDLE = datetime(2023, 5, 22, 7)


def run(folder: Path, database: Database, tmp_path: Path) -> Report:
    report = jobs.run(Ebnerd(folder), database, tmp_path / "rejects")
    assert all(report.unaccounted(kind) == 0 for kind in report.kinds())
    return report


def events(database: Database) -> pl.DataFrame:
    with database.read() as connection:
        return pl.concat([chunk.events for chunk in event_log_reader.stream(connection)])


def test_a_later_history_repeats_nothing(database: Database, tmp_path: Path) -> None:
    page = {"user_id": 2, "article_id": 103, "article_ids_clicked": [], "read_time": 40.0}
    run(write(tmp_path / "one", behaviours({}, page), history({1: [(102, -90, 7.0, 50.0)]})), database, tmp_path)
    reported_again: dict[int, list[tuple[int, float, float | None, float | None]]] = {
        1: [(102, -90, 7.0, 50.0), (101, 11, 30.0, 80.0)],
        2: [(103, 1, 40.0, 10.0), (101, 5_000, 6.0, 20.0)],
        3: [(101, 50, 9.0, None)],
    }
    later = behaviours({"impression_id": 950, "user_id": 3, "impression_time": START + timedelta(days=7)})
    report = run(write(tmp_path / "two", later, history(reported_again)), database, tmp_path)
    assert report.count("events", "duplicate") == 9
    clicks = events(database).filter(pl.col("kind") == "click").select("reader", "article")
    assert sorted(clicks.rows()) == [
        ("1", "101"),
        ("1", "102"),
        ("2", "101"),
        ("2", "103"),
        ("3", "101"),
        ("3", "101"),
    ]


def test_an_earlier_folder_may_come_later(database: Database, tmp_path: Path) -> None:
    past = history({1: [(101, 11, 30.0, 80.0)]})
    later = behaviours({"impression_id": 950, "impression_time": START + timedelta(days=7)})
    run(write(tmp_path / "later", later, past), database, tmp_path)
    report = run(write(tmp_path / "earlier", behaviours({})), database, tmp_path)
    assert report.count("impressions", "stored") == 1
    assert report.count("events", "duplicate") == 3


@pytest.fixture
def halves(ebnerd: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The demo cut in two: the second half's histories hold what the first half's slates led to."""
    articles = pl.read_parquet(ebnerd / "articles.parquet").head(500)
    views = pl.read_parquet(ebnerd / "behaviors.parquet").filter(pl.col("user_id") % 24 == 0)
    past = pl.read_parquet(ebnerd / "history.parquet").filter(pl.col("user_id") % 24 == 0)
    first, second = (
        views.filter(pl.col("impression_time") < MIDDLE),
        views.filter(pl.col("impression_time") >= MIDDLE),
    )
    opened = first.filter(pl.col("article_ids_clicked").list.n_unique() == 1).select(
        "user_id",
        pl.col("article_ids_clicked").list.first().alias("article_id_fixed"),
        (pl.col("impression_time") + pl.duration(seconds=pl.col("read_time").cast(pl.Int64))).alias(
            "impression_time_fixed"
        ),
        pl.col("next_read_time").alias("read_time_fixed"),
        pl.col("next_scroll_percentage").alias("scroll_percentage_fixed"),
    )
    entries = pl.concat([past.explode(pl.exclude("user_id")).select(opened.columns), opened])
    later_past = entries.sort("impression_time_fixed").group_by("user_id", maintain_order=True).agg(pl.all())
    readers = first["user_id"].unique().implode()
    early_past = past.filter(pl.col("user_id").is_in(readers))
    return write(tmp_path / "a", first, early_past, articles), write(tmp_path / "b", second, later_past, articles)


def test_the_demo_in_two_halves_is_the_demo_at_once(
    database: Database, sqlite_database: Database, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    for folder in halves:
        run(folder, database, tmp_path)
    both = tmp_path / "both"
    for split, folder in zip(("train", "validation"), halves, strict=True):
        (both / split).parent.mkdir(exist_ok=True)
        (both / split).symlink_to(folder)
    run(both, sqlite_database, tmp_path)
    apart = events(database).filter(pl.col("kind") == "click").sort("reader", "article", "at")
    at_once = events(sqlite_database).filter(pl.col("kind") == "click").sort("reader", "article", "at")
    assert apart.select("reader", "article").equals(at_once.select("reader", "article"))
    assert apart.height > 5_000


def test_the_halves_again_store_nothing(
    sqlite_database: Database, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    for folder in halves:
        run(folder, sqlite_database, tmp_path)
    again = [run(folder, sqlite_database, tmp_path) for folder in halves]
    assert [report.count(kind, "stored") for report in again for kind in report.kinds()] == [0] * 6
