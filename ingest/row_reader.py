"""One raw row → values of a record, checked field by field, for all generic formats and the HTTP API."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest import reasons
from ingest.field_names import canonical_names
from ingest.field_values import Converter, converter
from ingest.limits import EARLIEST, LARGEST_INTEGER
from ingest.misfit import MisfitError
from ingest.reasons import Problem
from ingest.time_values import UTC_TIMES, TimeReader
from recsys.records import Field, FieldType, fields_of

_Check = Callable[[Any], str | None]
"""Returns the problem of a value, or None."""


@dataclass(slots=True)
class RowValues:
    """Values of one row that are present and fit, by field, and what was found wrong.

    problem: of a required field. lost: problems of optional fields, which cost only their field. unused: names of
    columns that are no field.
    """

    values: dict[str, Any]
    problem: Problem | None = None
    lost: tuple[Problem, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    name: str
    convert: Converter
    check: _Check | None
    required: bool


class RowReader:
    """Reader of the rows of one kind.

    Args:
        kind: articles, events or impressions.
        record: the record whose fields the rows have.
        required: fields without which a row is rejected.
        times: reader of written times.
    """

    def __init__(self, kind: str, record: type, required: Iterable[str], times: TimeReader = UTC_TIMES) -> None:
        needed = frozenset(required)
        self._names = canonical_names(kind)
        self._readings = {
            field.name: _Reading(field.name, converter(field, times), _check(field), field.name in needed)
            for field in fields_of(record)
        }

    def read(self, row: Mapping[str, object]) -> RowValues:
        """Convert the fields of `row`, and check what can be checked without the time and the other fields."""
        found = RowValues({})
        values, names, readings = found.values, self._names, self._readings
        for key, given in row.items():
            if given is None:
                continue
            reading = readings.get(key)
            if reading is None:
                name = names.of(key)
                if name is None:
                    found.unused = (*found.unused, key)
                    continue
                if name in values or row.get(name) is not None:
                    continue
                reading = readings[name]
            try:
                value = reading.convert(given)
                problem = None if value is None or reading.check is None else reading.check(value)
            except MisfitError as error:
                value, problem = None, str(error)
            if problem is not None:
                _add(found, reading, Problem.of(key, problem, given))
            elif value is not None:
                values[reading.name] = value
        return found


def _add(found: RowValues, reading: _Reading, problem: Problem) -> None:
    if reading.required:
        found.problem = found.problem or problem
    else:
        found.lost = (*found.lost, problem)


def _check(field: Field) -> _Check | None:
    if field.type is FieldType.TIME:
        return _time_check
    if field.type is FieldType.INTEGER:
        return _integer_check
    if field.most_bytes is None:
        return None
    return (_texts_check if field.is_list else _text_check)(field.most_bytes)


def _time_check(at: int) -> str | None:
    return reasons.TOO_EARLY if at < EARLIEST else None


def _integer_check(value: int) -> str | None:
    return None if 0 <= value <= LARGEST_INTEGER else reasons.OUT_OF_RANGE


def _text_check(most_bytes: int) -> _Check:
    def check(text: str) -> str | None:
        # a character has at most four bytes
        if 4 * len(text) > most_bytes and len(text.encode()) > most_bytes:
            return reasons.too_long(most_bytes)
        return reasons.NUL if "\0" in text else None

    return check


def _texts_check(most_bytes: int) -> _Check:
    check = _text_check(most_bytes)
    return lambda texts: next((wrong for text in texts if text is not None and (wrong := check(text))), None)
