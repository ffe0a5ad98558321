"""Written times → integer microseconds since 1970-01-01 UTC, one value at a time."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from ingest.misfit import MisfitError, shown_type
from ingest.reasons import NO_TIME

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_MIDNIGHT = re.compile(r"(?<=[T ])24:?00(?::?00(?:\.0+)?)?")
_LONG_HOUR = re.compile(r"[+-]\d\d:?[6-9]\d$")
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Digits of times without separators. As epoch times these numbers would lie in 1970, or after 2600."""

_COMPACT_YEARS = range(1990, 2100)
_UNITS = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))
"""Bounds below which an epoch number counts seconds, ms and µs; larger numbers count ns. As seconds, the first
bound is the year 5138; as milliseconds it is 1973."""

_LARGEST = 9.2e18


@dataclass(frozen=True, slots=True)
class TimeReader:
    """Reader of written times.

    zone: of times that name none. pattern: `strptime` format that is tried first, for times in other forms.
    """

    zone: tzinfo = UTC
    pattern: str | None = None

    def micros(self, value: object) -> int:
        """Return the time of `value`: text, number, date or datetime.

        Raises:
            MisfitError: `value` is not a time.
        """
        if isinstance(value, str):
            return self._of_text(value.strip())
        if isinstance(value, bool):
            raise _not_a_time(value)
        if isinstance(value, int | float):
            return _of_number(value)
        if isinstance(value, datetime):
            return self._of_datetime(value)
        if isinstance(value, date):
            return self._of_datetime(datetime(value.year, value.month, value.day))
        raise _not_a_time(value)

    def _of_text(self, text: str) -> int:
        if self.pattern is not None:
            try:
                return self._of_datetime(datetime.strptime(text, self.pattern))
            except ValueError:
                pass  # the other forms are accepted too
        if _NUMBER.fullmatch(text):
            return self._of_digits(text)
        if _LONG_HOUR.search(text):  # Python would read +05:75 as +06:15
            raise _not_a_time(text)
        try:
            return self._of_datetime(datetime.fromisoformat(text))
        except ValueError:
            return self._of_other_text(text)

    def _of_digits(self, text: str) -> int:
        form = _COMPACT.get(len(text)) if text.isdigit() else None
        if form is not None and int(text[:4]) in _COMPACT_YEARS:
            try:
                return self._of_datetime(datetime.strptime(text, form))
            except ValueError as error:
                raise _not_a_time(text) from error
        return _of_number(float(text) if "." in text else int(text))

    def _of_other_text(self, text: str) -> int:
        """Read a zone's name, the hour 24, or the form of e-mails and RSS (RFC 5322)."""
        named, found = _ZONE_NAME.subn("+00:00", text)
        started, ends_day = _MIDNIGHT.subn("00:00", named if found else text)
        try:
            return self._of_datetime(datetime.fromisoformat(started) + timedelta(days=ends_day))
        except (ValueError, OverflowError):
            pass
        try:
            return self._of_datetime(parsedate_to_datetime(text))
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise _not_a_time(text) from error

    def _of_datetime(self, at: datetime) -> int:
        aware = at if at.tzinfo is not None else at.replace(tzinfo=self.zone)
        return (aware - _EPOCH) // _MICROSECOND


def _of_number(number: float) -> int:
    size = abs(number)
    if not size < _LARGEST:  # NaN too
        raise _not_a_time(number)
    for bound, factor in _UNITS:
        if size < bound:
            return number * factor if isinstance(number, int) else round(number * factor)
    return number // 1_000 if isinstance(number, int) else round(number / 1_000)


def _not_a_time(value: object) -> MisfitError:
    found = "this text" if isinstance(value, str) else shown_type(value)
    return MisfitError(f"{found} {NO_TIME}")


UTC_TIMES = TimeReader()
"""Reader of times that are UTC unless they name a zone."""
