"""Times that a browser's clock gave → times of the service's clock. Clocks of readers can be wrong by years."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ingest.misfit import MisfitError
from ingest.time_values import UTC_TIMES

LARGEST_DIFFERENCE = 2_000_000
"""Microseconds up to which two clocks agree: a request can be that long on its way."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clock_offset(sent_at: int | None, received_at: int) -> int:
    """Return the microseconds to add to times of a page whose clock showed `sent_at` when it sent them.

    Zero if the clocks agree, or if the page did not send its time.
    """
    offset = 0 if sent_at is None else received_at - sent_at
    return offset if abs(offset) > LARGEST_DIFFERENCE else 0


def corrected_events(events: Sequence[object], sent_at: int | None, received_at: int) -> list[object]:
    """Return the events with `at` on the service's clock, and never later than `received_at` (microseconds).

    Times that cannot be read stay as they are: the check of the rows refuses them with a reason.
    """
    offset = clock_offset(sent_at, received_at)
    return [_corrected(event, offset, received_at) for event in events]


def _corrected(event: object, offset: int, received_at: int) -> object:
    if not isinstance(event, Mapping) or event.get("at") is None:
        return event
    try:
        at = UTC_TIMES.micros(event["at"]) + offset
    except MisfitError:
        return event
    # no number: its size would decide its unit, and that is a guess for early times
    return {**event, "at": _EPOCH + timedelta(microseconds=min(max(at, 0), received_at))}
