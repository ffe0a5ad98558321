from pathlib import Path

from ingest.job_report import Report

COUNTS = {
    "events.read": 10,
    "events.stored": 5,
    "events.duplicate": 2,
    "events.rejected.bad_time": 1,
    "events.rejected.value: not a finite number": 2,
    "articles.read": 3,
    "articles.stored": 1,
    "articles.updated": 1,
    "impressions.read": 0,
    "events.unknown_article": 4,
}
REPORT = Report("job", COUNTS, Path("rejects"), resumed_from=0, rows_this_run=13, seconds=1.0)


def test_only_kinds_that_were_read_are_reported() -> None:
    assert REPORT.kinds() == ["articles", "events"]


def test_reasons_come_most_frequent_first() -> None:
    assert list(REPORT.rejected("events").items()) == [("value: not a finite number", 2), ("bad_time", 1)]
    assert REPORT.rejected("articles") == {}


def test_books_balance_or_the_difference_shows() -> None:
    assert REPORT.unaccounted("events") == 0
    assert REPORT.unaccounted("articles") == 1


def test_counters_without_events_are_zero() -> None:
    assert REPORT.count("impressions", "stored") == 0
    assert REPORT.count("events", "unknown_article") == 4
