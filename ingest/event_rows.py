"""JSON objects → events of the log, one row at a time: data frames would cost more than a few rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest import reasons
from ingest.content_ids import event_id
from ingest.event_kinds import kind_name
from ingest.generic_schema import row_reader
from ingest.limits import CLOCK_SKEW, LONGEST_READING
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.reasons import Problem
from recsys.domain import PREFERENCE_KINDS, Event, EventKind

_KINDS = {kind.value: kind for kind in EventKind}
_MOST = {EventKind.READ: LONGEST_READING, EventKind.SCROLL: 100}
_READER = row_reader("events")

NO_OBJECT = Problem.of("row", reasons.NO_OBJECT)
"""Problem of a row of a request that is no JSON object."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected row: its `index` in the request (from 0), and its problem."""

    index: int
    problem: Problem


@dataclass(slots=True)
class CheckedEvents:
    """Valid events with their indices in the request, rejected rows, and values that were left out."""

    events: list[Event] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    lost: list[Rejected] = field(default_factory=list)


def check_events(rows: Sequence[object], received_at: int, pseudonyms: Pseudonyms = PLAIN) -> CheckedEvents:
    """Convert and check rows with the fields of `Event`.

    `at` defaults to `received_at` (microseconds) and is never later; `known_at` is set when the rows are stored.
    `pseudonyms` replaces reader ids.
    """
    checked = CheckedEvents()
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            checked.rejected.append(Rejected(index, NO_OBJECT))
            continue
        found = _READER.read(row)
        values = found.values
        problem = found.problem or _complete(values, received_at)
        if problem is not None:
            checked.rejected.append(Rejected(index, problem))
            continue
        values["reader"] = pseudonyms.of(values["reader"])
        if "id" not in values:
            values["id"] = event_id(values)
        values["at"] = min(values["at"], received_at)
        values["known_at"] = received_at
        checked.events.append(Event(**values))
        checked.indices.append(index)
        checked.lost += [Rejected(index, lost) for lost in found.lost]
    return checked


def _complete(values: dict[str, Any], received_at: int) -> Problem | None:
    """Fill in the time, and return the problem of the fields together."""
    for name in ("reader", "kind"):
        if not values.get(name):
            return Problem.of(name, reasons.MISSING)
    kind = _KINDS.get(kind_name(values["kind"]))
    if kind is None:
        return Problem.of("kind", reasons.UNKNOWN_KIND, values["kind"])
    values["kind"] = kind
    about = "subject" if kind in PREFERENCE_KINDS else "article"
    if not values.get(about):
        return Problem.of(about, reasons.MISSING)
    if values.setdefault("at", received_at) > received_at + CLOCK_SKEW:
        return Problem.of("at", reasons.IN_FUTURE, values["at"])
    return _value_problem(kind, values.get("value"))


def _value_problem(kind: EventKind, value: float | None) -> Problem | None:
    if value is None:
        return Problem.of("value", reasons.MISSING) if kind in _MOST else None
    if value < 0:
        return Problem.of("value", reasons.NEGATIVE, value)
    most = _MOST.get(kind)
    return None if most is None or value <= most else Problem.of("value", reasons.TOO_LARGE, value)
