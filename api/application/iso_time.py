"""Conversion of times: microseconds ↔ ISO 8601 in UTC, exact to the microsecond."""

from datetime import UTC, datetime, timedelta

from recsys.errors import RequestError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_iso(at: int) -> str:
    """Convert microseconds since 1970 to ISO 8601."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")


def from_iso(text: str) -> int:
    """Convert ISO 8601 to microseconds since 1970; times without a zone are UTC.

    Raises:
        RequestError: the text is not a time.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestError(f"{text!r} is not an ISO 8601 time: write it like 2023-05-24T07:00:00Z") from error
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
