"""Given values → the types of fields, one value at a time, so that no value depends on the rows beside it.

JSON lines, CSV, Parquet and the HTTP API use these functions alike.
"""

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ingest.misfit import MisfitError, shown_type
from ingest.reasons import HALF_PAIR, NO_ARRAY, NOT_FINITE, misfit
from ingest.time_values import UTC_TIMES, TimeReader
from recsys.records import Field, FieldType

Converter = Callable[[object], Any]
"""Returns the value of a field, None if it is missing; raises `MisfitError`."""

LIST_MARK = "|"
"""Separator of the elements of a list written as text, if it is not a JSON array. Without one, commas separate."""

PLACEHOLDERS = frozenset(
    {"", "null", "none", "nil", "nan", "n/a", "undefined", "(not set)", "(null)", "\\n", "<na>"}
)
"""Texts that stand for a missing value in exports, in lower case."""

_LONGEST_PLACEHOLDER = max(map(len, PLACEHOLDERS))
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\xad"
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


def converter(field: Field, times: TimeReader = UTC_TIMES) -> Converter:
    """Return the function that converts values of `field`."""
    if field.type is FieldType.TIME:
        return _optional(times.micros)
    return _CONVERTERS[field.type]


def trimmed(text: str) -> str:
    """Return a text without space and invisible characters around it."""
    return text.strip().strip(_INVISIBLE).strip()


def text(value: object) -> str | None:
    """Return a text without space and invisible characters around it; None for a placeholder."""
    if isinstance(value, str):
        found = trimmed(value)
        if len(found) <= _LONGEST_PLACEHOLDER and found.lower() in PLACEHOLDERS:
            return None
        if not found.isascii() and _SURROGATE.search(found):
            raise MisfitError(HALF_PAIR)
        return found
    if _is_missing(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _misfit(value, "text")


def number(value: object) -> float | None:
    """Return a finite number; None if it is missing, NaN among others."""
    given = _without_placeholder(value)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise _misfit(value, "a number")
    try:
        found = float(given)
    except (ValueError, OverflowError) as error:
        raise _misfit(value, "a number") from error
    if math.isnan(found):
        return None
    if math.isinf(found):
        raise MisfitError(NOT_FINITE)
    return found


def integer(value: object) -> int | None:
    """Return a whole number: 812, 812.0, "812" and "812.0" alike."""
    given = _without_placeholder(value)
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        return int(given)
    try:
        found = number(given)
    except MisfitError as error:
        raise _misfit(value, "a whole number") from error
    if found is None or not found.is_integer():
        raise _misfit(value, "a whole number")
    return int(found)


def flag(value: object) -> bool | None:
    """Return a flag: true, 1, "yes" and so on."""
    given = _without_placeholder(value)
    if given is None or isinstance(given, bool):
        return given
    found = _FLAGS.get(str(given).lower()) if isinstance(given, str | int) else None
    if found is None:
        raise _misfit(value, "true or false")
    return found


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _without_placeholder(value: object) -> object:
    """Return `value`, trimmed if it is a text; None if it stands for a missing value."""
    return text(value) if isinstance(value, str) else None if _is_missing(value) else value


def _optional(convert: Converter) -> Converter:
    def converted(value: object) -> Any:
        given = _without_placeholder(value)
        return None if given is None else convert(given)

    return converted


def _list_of(element: Converter, missing: object) -> Converter:
    """Return a converter of lists; a missing element becomes `missing`."""

    def converted(value: object) -> list[Any] | None:
        items = _items(value)
        return None if items is None else [missing if (one := element(item)) is None else one for item in items]

    return converted


def _items(value: object) -> list[object] | None:
    if isinstance(value, list | tuple):
        return list(value)
    given = _without_placeholder(value)
    if given is None:
        return None
    if not isinstance(given, str):
        raise _misfit(value, "a list")
    if not given.startswith("["):
        mark = LIST_MARK if LIST_MARK in given else ","
        return [item for item in given.split(mark) if item.strip()]
    try:
        items = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise MisfitError(NO_ARRAY) from error
    return list(items)


def _misfit(value: object, wanted: str) -> MisfitError:
    return MisfitError(misfit(shown_type(value), wanted))


_CONVERTERS: dict[FieldType, Converter] = {
    FieldType.TEXT: text,
    FieldType.NUMBER: number,
    FieldType.INTEGER: integer,
    FieldType.FLAG: flag,
    FieldType.TEXTS: _list_of(text, None),
    FieldType.NUMBERS: _list_of(number, None),
}
