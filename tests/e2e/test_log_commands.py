"""`attune log` as an operator runs it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app
from recsys.domain import DAY, Event, EventKind, Slate
from recsys.errors import ConfigError, DataError, StoreError
from recsys.frames import events_frame, slates_frame
from recsys.store import audit_log, event_log
from recsys.store.audit_log import AuditAction, AuditRow
from recsys.store.database import opened
from tests.archived import are_equal, chunks
from tests.trained import Place, place

JANUARY = 1_767_225_600_000_000  # 2026-01-01


@pytest.fixture
def where(tmp_path: Path) -> Place:
    """A log of 100 days from 2026-01-01 on, and of today."""
    made = place(tmp_path)
    times = [*range(JANUARY, JANUARY + 100 * DAY, DAY // 4), time.time_ns() // 1_000]
    events = [
        Event(id=f"e{at}", reader=f"r{at % 7}", kind=EventKind.CLICK, at=at, known_at=at, article="a")
        for at in times
    ]
    slates = [Slate(id=f"s{at}", reader="r1", at=at, known_at=at, candidates=("a", "b")) for at in times[::2]]
    with opened(made.settings.database_url) as database, database.write() as connection:
        event_log.append_frames(connection, events_frame(events), slates_frame(slates))
    return made


def attune(where: Place, *arguments: str) -> Result:
    environment = {"ATTUNE_DATABASE_URL": where.settings.database_url, "ATTUNE_HOME": str(where.home)}
    return CliRunner().invoke(app, arguments, env=environment)


def printed(where: Place, *arguments: str) -> str:
    result = attune(where, *arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def refusal(where: Place, *arguments: str) -> str:
    result = attune(where, *arguments)
    assert isinstance(result.exception, ConfigError | StoreError)
    return str(result.exception)


def test_whole_months_are_moved_listed_and_verified(where: Place, tmp_path: Path) -> None:
    assert printed(where, "log", "show") == "nothing is archived; attune log archive does it\n"
    assert printed(where, "log", "verify") == "0 files with 0 rows are as SQL recorded them\n"
    with opened(where.settings.database_url) as database:
        before = chunks(database)
    text = printed(where, "log", "archive", "--before", "2026-03-17T12:00", str(tmp_path / "old"))
    first, *months, last = text.splitlines()
    assert first == "moving what was known before 2026-03-01: at most 236 events, 118 impressions"
    assert [line.split()[:3] for line in months] == [
        ["2026-01", "events", "124"],
        ["2026-02", "events", "112"],
        ["2026-01", "impressions", "62"],
        ["2026-02", "impressions", "56"],
    ]
    assert last == "354 rows are archived; keep the files as you keep the database"
    with opened(where.settings.database_url) as database:
        assert are_equal(chunks(database), before)
    assert [line.split()[:3] for line in printed(where, "log", "show").splitlines()] == [
        line.split()[:3] for line in months
    ]
    assert printed(where, "log", "verify") == "4 files with 354 rows are as SQL recorded them\n"
    assert printed(where, "audit").split()[1:] == [
        *("cli", "log_archived", str(tmp_path / "old")),
        *("before", "2026-03-01T00:00:00+00:00"),
    ]
    again = printed(where, "log", "archive", "--before", "2026-02-01", str(tmp_path / "old"))
    assert "at most 0 events, 0 impressions" in again


def test_a_missing_and_a_damaged_file_are_named_with_the_fix(where: Place, tmp_path: Path) -> None:
    printed(where, "log", "archive", "--before", "2026-03-01", str(tmp_path / "old"))
    missing, damaged, *_ = sorted((tmp_path / "old").rglob("*.parquet"))
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes() + b"x")
    result = attune(where, "log", "verify")
    assert result.exit_code == 1
    assert f"{missing} of the archive is missing: restore it from a backup" in result.stderr
    assert f"{damaged} of the archive is damaged" in result.stderr
    assert "2 of 4 files are missing or damaged" in result.stderr


def test_models_are_compared_on_what_is_in_sql_and_older_starts_are_refused(where: Place, tmp_path: Path) -> None:
    printed(where, "log", "archive", "--before", "2026-03-01", str(tmp_path / "old"))
    printed(where, "models", "compare", "--from", "2026-03-01")
    printed(where, "models", "compare")
    result = attune(where, "models", "compare", "--from", "2026-02-28")
    assert isinstance(result.exception, DataError)
    assert "the log before 2026-03-01T00:00:00+00:00 is archived" in str(result.exception)


def test_erasing_a_reader_leaves_an_archive_that_verifies(where: Place, tmp_path: Path) -> None:
    printed(where, "log", "archive", "--before", "2026-03-01", str(tmp_path / "old"))
    assert '"impressions": 201' in printed(where, "erase", "r1")
    text = printed(where, "log", "verify")
    assert text.startswith("4 files with ")
    assert "354" not in text


def test_times_that_sql_still_needs_are_refused(where: Place, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    archive = ("log", "archive", str(tmp_path / "old"), "--before")
    assert "is in the future" in refusal(where, *archive, (now + timedelta(days=1)).isoformat())
    assert "not an ISO 8601 time" in refusal(where, *archive, "last year")
    recent = now - timedelta(days=20)
    latest = (now - timedelta(days=60)).strftime("%Y-%m-01")
    if recent.strftime("%Y-%m-01") > latest:
        assert f"--before {latest}" in refusal(where, *archive, recent.isoformat())
    with opened(where.settings.database_url) as database, database.write() as connection:
        row = AuditRow(JANUARY + 40 * DAY, "cli", AuditAction.EXPERIMENT_STARTED, "m2 share=0.5")
        audit_log.record(connection, row)
    assert "give --before 2026-01-01" in refusal(where, *archive, "2026-02-01")
    assert not (tmp_path / "old").exists()


def test_old_rows_that_come_after_the_archive_are_rejected_with_the_reason(where: Place, tmp_path: Path) -> None:
    printed(where, "log", "archive", "--before", "2026-03-01", str(tmp_path / "old"))
    file = tmp_path / "late.jsonl"
    rows = [("late", "2026-02-01T00:00:00Z"), ("new", "2026-03-01T00:00:00Z")]
    lines = [f'{{"id": "{i}", "reader": "r", "kind": "click", "article": "a", "at": "{at}"}}' for i, at in rows]
    file.write_text("\n".join(lines) + "\n")
    result = attune(where, "ingest", "jsonl", str(file))
    assert "at: in the archived part of the log" in result.output
    with opened(where.settings.database_url) as database:
        ids = [id_ for chunk in chunks(database) for id_ in chunk.events["id"].to_list()]
    assert "new" in ids
    assert "late" not in ids


def test_an_import_may_be_repeated_after_its_rows_are_archived(where: Place, tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    about = '"reader": "r9", "article": "a", "at": "2026-02-01T00:00:00Z"'
    lines = [
        f'{{"id": "click", "kind": "click", {about}}}',
        f'{{"id": "read", "kind": "read", "value": 20, {about}}}',
        f'{{"id": "read", "kind": "read", "value": 50, {about}}}',
        f'{{"id": "scroll", "kind": "scroll", "value": 30, {about}}}',
        f'{{"id": "scroll", "kind": "scroll", "value": 80, {about}}}',
        '{"id": "slate", "reader": "r9", "candidates": ["a", "b"], "at": "2026-02-01T00:00:00Z"}',
    ]
    file.write_text("\n".join(lines) + "\n")
    printed(where, "ingest", "jsonl", str(file))
    printed(where, "log", "archive", "--before", "2026-03-01", str(tmp_path / "old"))
    counts = rows_by_outcome(printed(where, "ingest", "jsonl", str(file)))
    assert counts == {"events": [5, 0, 0, 5, 0], "impressions": [1, 0, 0, 1, 0]}

    late = [
        f'{{"id": "late", "kind": "click", {about}}}',
        f'{{"id": "read", "kind": "read", "value": 90, {about}}}',
        f'{{"id": "click", "kind": "hide", {about}}}',
        '{"id": "slate", "reader": "r8", "candidates": ["a", "b"], "at": "2026-02-01T00:00:00Z"}',
    ]
    file.write_text("\n".join(late) + "\n")
    result = attune(where, "ingest", "jsonl", str(file))
    assert result.exit_code == 3, "what the archive lacks is lost, so that the status must tell"
    assert rows_by_outcome(result.stdout) == {"events": [3, 0, 0, 0, 3], "impressions": [1, 0, 0, 0, 1]}
    assert result.output.count("at: in the archived part of the log") == 2


def rows_by_outcome(report: str) -> dict[str, list[int]]:
    """Rows read, stored, updated, duplicate and rejected, by kind."""
    rows = [line.split() for line in report.splitlines()]
    return {
        row[0]: [int(n) for n in row[1:6]]
        for row in rows
        if row and row[0] in ("events", "impressions") and row[1].isdigit()
    }
