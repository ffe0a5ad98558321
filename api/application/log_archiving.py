"""Use-cases of the archive of the log: what a run would move, the run itself, the check of all files, and a list.

The log keeps its newest `LEAST_AGE` in SQL. Open readings, pages of feeds, slates of Gorse's lists and counts of
traffic are no older, so a request never needs an archived row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.application.context import Application
from api.application.iso_time import to_iso
from recsys.domain import DAY
from recsys.errors import ConfigError, StoreError
from recsys.store import archive_scope, audit_log, log_archive, log_archiver, traffic
from recsys.store.audit_log import AuditAction
from recsys.store.experiments import DAYS_BEFORE
from recsys.store.log_archive import ArchivedFile
from recsys.store.log_archiver import Planned

LEAST_AGE = traffic.LIFETIME
"""Rows of the log that are younger are never archived, in microseconds."""


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """Rows known before `until` (microseconds, the start of a month), by table."""

    until: int
    tables: Sequence[Planned]


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """Files of one month and table. size: bytes."""

    log_table: str
    month: str
    files: int
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of the check of all files. errors: one text for each file that is missing or damaged.

    leftovers: files that are no part of the log, and that the next run or erasure deletes.
    """

    files: int
    rows: int
    errors: Sequence[str]
    leftovers: int


def plan_archive(app: Application, before: int, now: int) -> ArchivePlan:
    """Return what would be moved if the log before the month of `before` was archived; times in microseconds.

    Raises:
        ConfigError: `before` is in the future, or SQL needs a part of these rows.
        StoreError: the database is unavailable.
    """
    if before > now:
        raise ConfigError(f"--before: {_day(before)} is in the future: give a time that is at least 60 days ago")
    until = archive_scope.month_start(before)
    latest = archive_scope.month_start(now - LEAST_AGE)
    if until > latest:
        raise ConfigError(
            f"--before: the last {LEAST_AGE // DAY} days stay in SQL, because feeds, open readings and counts "
            f"need them: the latest month that can be given now is --before {_day(latest)}"
        )
    with app.database.read() as connection:
        running = next(iter(audit_log.trials(connection, most=1)), None)
        if running is not None and running.act == AuditAction.EXPERIMENT_STARTED:
            needed = archive_scope.month_start(running.at - DAYS_BEFORE * DAY)
            if until > needed:
                raise ConfigError(
                    f"--before: an experiment runs since {_day(running.at)}, and is judged with the {DAYS_BEFORE} "
                    f"days before it: end it with attune models end-trial, or give --before {_day(needed)}"
                )
        until = max(until, log_archive.until(connection))
        return ArchivePlan(until, log_archiver.plan(connection, until))


def archive_log(app: Application, plan: ArchivePlan, folder: str, actor: str) -> Iterator[ArchivedFile]:
    """Move the rows of a plan to files below the address `folder`; yield each file once it is recorded.

    Raises:
        ConfigError: `folder` is no address that Attune can use.
        StoreError: another run goes on, a file cannot be written, or the database is unavailable.
    """
    yield from log_archiver.archive(app.database, folder, plan.until, actor=actor)


def verify_archive(app: Application) -> Verification:
    """Compare every file with its record in SQL: its digest, and the number of its rows.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        files = log_archive.all_files(connection)
    errors, rows = [], 0
    for file in files:
        try:
            rows += log_archive.read(file).height
        except StoreError as error:
            if _is_recorded(app, file):  # otherwise an erasure has replaced it meanwhile
                errors.append(str(error))
    with app.database.read() as connection:
        leftovers = len(log_archive.leftovers(connection))
    return Verification(len(files), rows, errors, leftovers)


def archived_months(app: Application) -> list[ArchivedMonth]:
    """Return what is archived, by table and month.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        files = log_archive.all_files(connection)
    months: dict[tuple[str, str], list[ArchivedFile]] = {}
    for file in files:
        months.setdefault((file.log_table, archive_scope.month_of(file.first_known_at)), []).append(file)
    return [
        ArchivedMonth(*key, len(group), sum(file.rows for file in group), sum(file.size for file in group))
        for key, group in months.items()
    ]


def _is_recorded(app: Application, file: ArchivedFile) -> bool:
    with app.database.read() as connection:
        return file in log_archive.all_files(connection)


def _day(at: int) -> str:
    return to_iso(at)[:10]
