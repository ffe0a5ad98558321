"""Logs with an archive: random rows, and the chunks in which a log is read."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from recsys.domain import Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.store import event_log, event_log_reader, log_archiver
from recsys.store.database import Connection, Database
from recsys.store.event_log_reader import Key, LogChunk
from recsys.store.log_archive import ArchivedFile
from recsys.store.tables import events, impressions

T = TypeVar("T")
KINDS = [EventKind.CLICK, EventKind.READ, EventKind.HIDE, EventKind.IMPRESSION, EventKind.FOLLOW]
END = 1_000


def random_rows(seed: int, count: int = 60) -> tuple[list[Event], list[Slate]]:
    """Rows known before `END` with many ties: events quote slates of any reader, and some stay in SQL."""
    draw = random.Random(seed)
    slates = [
        Slate(
            id=f"s{n}",
            reader=draw.choice("xyz"),
            at=(at := draw.randrange(END)),
            known_at=draw.randrange(at, END),
            candidates=tuple(draw.sample(["a", "b", "ä", 'q"'], 2)),
            ordered=draw.random() < 0.7,
            propensities=(0.5, 0.1 + 0.2) if draw.random() < 0.5 else None,
            model=draw.choice([None, "m"]),
            session=draw.choice([None, "write-back:read:1.0", "t"]),
        )
        for n in range(count // 2)
    ]
    found = []
    for n in range(count):
        kind, at = draw.choice(KINDS), draw.randrange(END)
        about = {"subject": "sport"} if kind is EventKind.FOLLOW else {"article": draw.choice("abä")}
        found.append(
            Event(
                id=f"{draw.choice(['', 'gorse:'])}{draw.choice(['e', 'E', 'é'])}{n}",
                reader=draw.choice("xyz"),
                kind=kind,
                at=at,
                known_at=min(at + draw.randrange(3), END),
                value=draw.choice([None, 0.1, 30.0]),
                request_id=draw.choice([None, *(slate.id for slate in slates)]),
                **about,
            )
        )
    return found, slates


def fill(database: Database, rows: tuple[list[Event], list[Slate]]) -> None:
    with database.write() as connection:
        event_log.append_frames(connection, events_frame(rows[0]), slates_frame(rows[1]))


def archive(database: Database, folder: Path | str, until: int, file_rows: int = 7) -> list[ArchivedFile]:
    return list(log_archiver.archive(database, str(folder), until, file_rows, gap=0.0))


def chunks(
    database: Database, after: Key | None = None, until: int | None = None, batch_rows: int = 5
) -> list[LogChunk]:
    with database.read() as connection:
        return list(event_log_reader.stream(connection, after, until, batch_rows))


def are_equal(one: list[LogChunk], other: list[LogChunk]) -> bool:
    """True if the logs have the same rows in the same chunks."""
    return len(one) == len(other) and all(
        a.events.equals(b.events) and a.slates.equals(b.slates) for a, b in zip(one, other, strict=True)
    )


def answer(database: Database, query: Callable[[Connection], T]) -> T:
    with database.read() as connection:
        return query(connection)


def rows_in_sql(database: Database) -> int:
    with database.read() as connection:
        return sum(
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in (events, impressions)
        )
