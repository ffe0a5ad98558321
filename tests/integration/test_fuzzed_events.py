"""Ten thousand events as a broken client would send them: each accounted for, the good ones stored, none twice."""

import random
from typing import Any

import sqlalchemy as sa

from ingest.event_rows import check_events
from ingest.http_ingest import received_events
from recsys.domain import EventKind
from recsys.projection.log_follower import LogFollower
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.store.database import Database
from recsys.store.tables import events

ROWS, BATCH = 10_000, 500
TEXTS = [
    "r1",
    "",
    " ",
    "a" * 600,
    "\0",
    "\ud800",
    "\u202e'; DROP TABLE events; --",
    "é" * 300,
    "%",
    '"',
    "\n",
    "🙂",
]
NUMBERS = [0, -1, 1, 30.5, 101, 1e308, -1e308, float("nan"), float("inf"), 2**63, -(2**70), 0.1]
ODD: list[Any] = [None, True, False, [], {}, [1, None], {"a": {"b": []}}, *TEXTS, *NUMBERS]
TIMES = [
    None,
    "2024-01-05T08:00:00Z",
    "2024-01-05",
    1_704_441_600,
    1_704_441_600_000_000,
    "0001-01-01",
    "later",
    9e99,
]
FIELDS = (
    "id",
    "reader",
    "kind",
    "article",
    "subject",
    "at",
    "value",
    "request_id",
    "position",
    "session",
    "device",
)


def good(draw: random.Random, n: int) -> dict[str, Any]:
    kind = draw.choice(list(EventKind))
    row: dict[str, Any] = {"id": f"e{n}", "reader": f"r{n % 50}", "kind": kind, "value": draw.uniform(0, 100)}
    return {**row, "article": f"a{n % 70}", "subject": "sport", "at": draw.choice(TIMES[:3])}


def fuzzed(draw: random.Random, n: int) -> Any:
    """A good row, one with some fields bent, or nothing like a row; ids repeat now and then."""
    row = good(draw, draw.randrange(n) if n and draw.random() < 0.1 else n)
    fate = draw.random()
    if fate < 0.4:
        return row
    if fate < 0.45:
        return draw.choice(ODD)
    for name in draw.sample(FIELDS, draw.randint(1, 3)):
        row[name] = draw.choice(TIMES if name == "at" else ODD)
    return row


def test_every_fuzzed_event_is_accepted_a_duplicate_or_rejected_with_a_reason(database: Database) -> None:
    draw, clock = random.Random(7), Clock()
    writer = LogWriter(database, clock)
    accepted = rejected = 0
    for start in range(0, ROWS, BATCH):
        rows = [fuzzed(draw, start + i) for i in range(BATCH)]
        checked = check_events(rows, clock.next())
        reported = received_events(checked, writer.append_events(checked.events).result())
        assert reported.accepted + reported.duplicates + len(reported.rejected) == BATCH
        assert len({row.index for row in reported.rejected}) == len(reported.rejected)
        assert all(": " in row.problem.reason for row in reported.rejected)
        accepted += reported.accepted
        rejected += len(reported.rejected)
    with database.read() as connection:
        stored = connection.execute(sa.select(events.c.id)).scalars().all()
    assert len(stored) == len(set(stored)) == accepted
    assert accepted > ROWS // 3
    assert rejected > ROWS // 10
    follower = LogFollower(database)
    follower.start()
    assert len(follower.state.readers) >= 50, "and what is stored can be folded"
