"""Use-cases of operators about data: ingest jobs, rejected rows, and what the log holds."""

import json
from dataclasses import dataclass
from typing import Any

from api.application.context import Application
from ingest.job_report import Report
from recsys.store import articles, ingest_checkpoints

_EXAMPLE_CHARS = 300
_MOST_LINES = 2_000
"""Lines of reject files that one look reads."""


@dataclass(frozen=True, slots=True)
class JobState:
    """An ingest job: its counts, and whether it has finished."""

    report: Report
    done: bool


@dataclass(frozen=True, slots=True)
class RejectReason:
    """Rejected rows with one reason, among the newest of a folder. example: the start of one row, as it came."""

    kind: str
    reason: str
    rows: int
    fix: str
    example: str


def list_jobs(app: Application) -> list[JobState]:
    """Return all ingest jobs, by name.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        found = ingest_checkpoints.all_jobs(connection)
    folder = app.settings.home / "rejects"
    return [
        JobState(Report(job, each.counts, folder / job, 0, 0, 0.0), each.done)
        for job, each in sorted(found.items())
    ]


def reject_reasons(app: Application, folder: str) -> list[RejectReason]:
    """Return the reasons in the newest reject files of a job, or of `collect`, most frequent first.

    folder: name of a job; a name that leads elsewhere has no rejects.
    """
    root = app.settings.home / "rejects"
    if folder not in {path.name for path in root.glob("*") if path.is_dir()}:
        return []
    found: dict[tuple[str, str], RejectReason] = {}
    for row in _newest_rows(app, folder):
        key = (str(row.get("kind", "")), str(row.get("reason", "")))
        before = found.get(key)
        rows = 1 if before is None else before.rows + 1
        example = str(row.get("raw", ""))[:_EXAMPLE_CHARS] if before is None else before.example
        found[key] = RejectReason(*key, rows, str(row.get("fix", "")), example)
    return sorted(found.values(), key=lambda each: -each.rows)


def reject_folders(app: Application) -> list[str]:
    """Return the names of all folders with rejected rows."""
    return sorted(path.name for path in (app.settings.home / "rejects").glob("*") if path.is_dir())


def article_languages(app: Application) -> dict[str | None, int]:
    """Return the number of articles by language, None for those without one.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return articles.language_counts(connection)


def _newest_rows(app: Application, folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted((app.settings.home / "rejects" / folder).glob("*.jsonl"), reverse=True):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if len(rows) >= _MOST_LINES:
                    return rows
                rows.append(json.loads(line))
    return rows
