"""Amendments: a `read` or `scroll` that repeats a stored id with a larger value.

A tracker sends one `read` a reading, and sends it again, with the same id, while the reading goes on: the largest
value wins. The log is append-only, so a larger value becomes a further row, `ID~1`, `ID~2` and so on. Of a read it
has the seconds that were added, since the fold adds up the parts of a reading; of a scroll it has the new percent,
since the fold keeps the newest.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from recsys.domain import Event, EventKind

Content = tuple[str, str, str | None, str | None, float | None]
"""Reader, kind, article, subject and value of an event."""

CONTENT_COLUMNS = ("reader", "kind", "article", "subject", "value")
"""Columns of `Content`, in its order."""

Lookup = Callable[[list[str]], Mapping[str, Content]]
"""Returns the stored content of the events with these ids."""

MEASURED = frozenset((EventKind.READ, EventKind.SCROLL))
"""Kinds whose value grows."""

MOST_PARTS = 500
"""Amendments of one event. A tracker sends a few; more would only fill the log."""

SAME_WITHIN = 1e-6
"""Differences up to this are none: sums of parts are rounded."""

_FIRST_LOOKED_UP = 8
"""Parts of an event that are looked up at once; most have fewer."""


class RowOutcome(Enum):
    """Outcome of one event: stored, stored before with the same content, or stored before with other content.

    PAUSED: not stored, because its reader has paused learning. CLOSED: not stored, because it belongs to the
    archived part of the log.
    An amendment with a larger value is stored; one with a smaller or equal value is a duplicate.
    """

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    PAUSED = "paused"
    CLOSED = "closed"


def content_of(event: Event) -> Content:
    """Return the content by which two events with the same id are compared."""
    return event.reader, event.kind.value, event.article, event.subject, event.value


def decide(
    events: Sequence[Event], stored: Mapping[str, Content], lookup: Lookup
) -> list[tuple[RowOutcome, Event]]:
    """Return for each event its outcome and the row to store: the event itself, or the part that it adds.

    Call it while the log is locked: the decision depends on the stored rows. stored: the content of the stored
    events with the same ids; `lookup` finds the stored parts of amended ones.
    """
    known = dict(stored)
    known.update(_parts(_repeated(events, known), lookup))
    return [_decision(event, known) for event in events]


def _decision(event: Event, known: dict[str, Content]) -> tuple[RowOutcome, Event]:
    own = content_of(event)
    stored = known.setdefault(event.id, own)
    if stored is own:
        return RowOutcome.STORED, event
    if stored == own:
        return RowOutcome.DUPLICATE, event
    if event.value is None or event.kind not in MEASURED or stored[:4] != own[:4]:
        return RowOutcome.CONFLICT, event
    return _amendment(event, event.value, known)


def _amendment(event: Event, value: float, known: dict[str, Content]) -> tuple[RowOutcome, Event]:
    own = content_of(event)
    number, values = 1, [known[event.id][4] or 0.0]
    while (part := known.get(_part_id(event.id, number))) is not None:
        if part[:4] == own[:4]:
            values.append(part[4] or 0.0)
        number += 1
    before = math.fsum(values) if event.kind is EventKind.READ else max(values)
    if value <= before + SAME_WITHIN:
        return RowOutcome.DUPLICATE, event
    if number > MOST_PARTS:
        return RowOutcome.CONFLICT, event
    added = round(value - before, 6) if event.kind is EventKind.READ else value
    row = replace(event, id=_part_id(event.id, number), value=added)
    known[row.id] = content_of(row)
    return RowOutcome.STORED, row


def _repeated(events: Iterable[Event], stored: Mapping[str, Content]) -> set[str]:
    """Return the ids of measured events that are stored already, or occur twice."""
    seen, repeated = set(stored), set()
    for event in events:
        if event.id in seen and event.kind in MEASURED:
            repeated.add(event.id)
        seen.add(event.id)
    return repeated


def _parts(ids: set[str], lookup: Lookup) -> dict[str, Content]:
    """Return the stored parts of events. Their numbers have no gap, so ids are tried until one is free."""
    found: dict[str, Content] = {}
    first, last = 1, _FIRST_LOOKED_UP
    while ids and first <= MOST_PARTS:
        found.update(lookup([_part_id(id_, number) for id_ in sorted(ids) for number in range(first, last + 1)]))
        ids = {id_ for id_ in ids if _part_id(id_, last) in found}
        first, last = last + 1, min(4 * last, MOST_PARTS)
    return found


def _part_id(id_: str, number: int) -> str:
    return f"{id_}~{number}"
