"""Events that a page sends → rows for the event log. The sender decides the reader; no row names another one."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest import reasons
from ingest.event_kinds import kind_name
from ingest.event_rows import NO_OBJECT
from ingest.field_values import trimmed
from ingest.raw_batch import reject_line
from ingest.reasons import Problem
from recsys.domain import EventKind

FIELDS = ("id", "kind", "article", "subject", "value", "request_id", "position", "at")
"""Fields that a page may give; others are ignored."""

VISITOR_KINDS = frozenset(
    (
        EventKind.IMPRESSION, EventKind.CLICK, EventKind.READ, EventKind.SCROLL, EventKind.LIKE, EventKind.DISLIKE,
        EventKind.SAVE, EventKind.SHARE, EventKind.HIDE,
    )
)  # fmt: skip
"""Kinds that need no reader token."""

_READER_KINDS = frozenset(EventKind) - VISITOR_KINDS

BOT = Problem.of("row", reasons.BOT)
PREFETCH = Problem.of("row", reasons.PREFETCH)

_VISITOR = "visitor-"


@dataclass(frozen=True, slots=True)
class Sender:
    """Reader of a page, as the publisher knows it. known: by a reader token; others are visitors."""

    reader: str
    known: bool


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Event of a page that is not stored: its place in the request (from 0), itself, and its problem."""

    index: int
    row: object
    problem: Problem


def visitor_of(visitor: str) -> str:
    """Return the reader id of the browser that calls itself `visitor`. No reader of a publisher has such an id."""
    return _VISITOR + visitor


def sender_of(reader: str | None, visitor: str | None, events: Sequence[object]) -> Sender:
    """Return the sender: the reader of a token, else the visitor, else a reader of this request alone.

    The last one depends on the first id, so that a retry counts once. It adds only to counts of articles.
    """
    if reader is not None:
        return Sender(reader, known=True)
    if visitor is not None:
        return Sender(visitor_of(visitor), known=False)
    ids = (event["id"] for event in events if isinstance(event, Mapping) and isinstance(event.get("id"), str))
    first = next(ids, "").encode(errors="replace")
    return Sender(visitor_of(hashlib.blake2b(first, digest_size=16).hexdigest()), known=False)


def collected_rows(
    events: Sequence[object], sender: Sender
) -> tuple[list[tuple[int, dict[str, object]]], list[RefusedRow]]:
    """Return rows with the reader, each with its place in the request, and the refused events."""
    rows: list[tuple[int, dict[str, object]]] = []
    refused: list[RefusedRow] = []
    for index, event in enumerate(events):
        problem = _problem(event, sender)
        if problem is None and isinstance(event, Mapping):
            fields = {name: event[name] for name in FIELDS if name in event}
            rows.append((index, {"reader": sender.reader, **fields}))
        elif problem is not None:
            refused.append(RefusedRow(index, event, problem))
    return rows, refused


def refused_line(refused: RefusedRow, reader: str) -> dict[str, object]:
    """Return a line of a reject file (`raw_batch.REJECTS`), with the stored `reader`: erasures look for it."""
    row = refused.row
    given = {name: row[name] for name in FIELDS if name in row} if isinstance(row, Mapping) else {"row": row}
    raw = json.dumps({"reader": reader, **given})
    return reject_line("collect", refused.index, "events", refused.problem, raw)


def _problem(event: object, sender: Sender) -> Problem | None:
    if not isinstance(event, Mapping):
        return NO_OBJECT
    if not event.get("id"):
        return Problem.of("id", reasons.MISSING)
    kind = event.get("kind")
    if isinstance(kind, str) and kind_name(trimmed(kind)) in _READER_KINDS and not sender.known:
        return Problem.of("kind", reasons.READERS_ONLY, kind)
    return None
