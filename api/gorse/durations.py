"""Durations in Go's notation."""

import re

from recsys.errors import RequestError

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_LONGEST = 366 * 24 * 3600.0


def seconds_of(text: str) -> float:
    """Convert a duration to seconds: ``1h30m`` → 5400.0; an empty text → 0.

    Raises:
        RequestError: the text is not a duration, or longer than a year.
    """
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text and text != "0":
        raise RequestError(f"{text!r} is not a duration: write it like 10m or 1h30m")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise RequestError(f"{text!r} is longer than a year")
    return seconds
