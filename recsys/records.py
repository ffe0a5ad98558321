"""Declared once: the fields of a record, from which frames, tables, file formats and API bodies are derived.

A record is a dataclass of `recsys.domain`. The types of its fields say most; marks in `Annotated` say the rest:

    published_at: Annotated[Time | None, SHOWN] = None
    author: Annotated[str | None, Bytes(10_000)] = None

To add a field, add it to the record, to `migrations/` and to whatever computes with it. Nothing else lists fields.
"""

from dataclasses import MISSING, dataclass, fields
from enum import Enum, StrEnum
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

ID_BYTES = 512


class FieldType(StrEnum):
    """Type of the values of a field."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
    TEXTS = "list of text"
    NUMBERS = "list of numbers"


class Mark(Enum):
    """A property of a field that its Python type does not show."""

    ID = "id"
    TIME = "time"
    FUTURE = "future"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Bytes:
    """The mark of a text: its maximal length in UTF-8."""

    most: int


Id = Annotated[str, Mark.ID]
"""An id of the publisher: at most `ID_BYTES` bytes, compared bytewise."""

Time = Annotated[int, Mark.TIME]
"""Microseconds since 1970-01-01 UTC."""

FUTURE = Mark.FUTURE
"""The mark of a time that may lie ahead."""

SHOWN = Mark.SHOWN
"""The mark of a field that feed items and lists of articles show."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    required: it has no default. nullable: a null stands for None, or for an empty list. most_bytes: of a text, or
    of each element of a list of ids. is_id: its texts are ids. future: the time may lie ahead. shown: feed items
    show it.
    """

    name: str
    type: FieldType
    required: bool
    nullable: bool
    most_bytes: int | None
    is_id: bool
    future: bool
    shown: bool

    @property
    def is_list(self) -> bool:
        """True if the field holds several values."""
        return self.type in (FieldType.TEXTS, FieldType.NUMBERS)


@cache
def fields_of(record: type) -> tuple[Field, ...]:
    """Read the fields of a record, in the order of their declaration.

    Raises:
        TypeError: a field has a type or a mark that no table or format can follow.
    """
    hints = get_type_hints(record, include_extras=True)
    required = {each.name: each.default is MISSING for each in fields(record)}
    return tuple(_field(f"{record.__name__}.{name}", hints[name], required[name]) for name in required)


def _field(path: str, hint: Any, required: bool) -> Field:
    optional = many = False
    marks: list[Mark | Bytes] = []
    while (origin := get_origin(hint)) is not None:
        if origin is Annotated:
            marks += hint.__metadata__
            hint = hint.__origin__
        elif origin is tuple:
            many, hint = True, get_args(hint)[0]
        else:
            optional, (hint,) = True, (each for each in get_args(hint) if each is not NoneType)
    is_id = Mark.ID in marks
    most_bytes = next((mark.most for mark in marks if isinstance(mark, Bytes)), ID_BYTES if is_id else None)
    if hint is str and most_bytes is None:
        raise TypeError(f"{path} is text without a maximal length: mark it with Bytes, or as Id")
    if many and Mark.SHOWN in marks:
        raise TypeError(f"{path} is a list: feed items show single values")
    return Field(
        name=path.rpartition(".")[2],
        type=_type(path, hint, many, Mark.TIME in marks),
        required=required,
        nullable=not required and (optional or many),
        most_bytes=most_bytes,
        is_id=is_id,
        future=Mark.FUTURE in marks,
        shown=Mark.SHOWN in marks,
    )


def _type(path: str, python: type, many: bool, is_time: bool) -> FieldType:
    if is_time:
        return FieldType.TIME
    if issubclass(python, str):
        return FieldType.TEXTS if many else FieldType.TEXT
    if python is float:
        return FieldType.NUMBERS if many else FieldType.NUMBER
    if python in (bool, int) and not many:
        return FieldType.FLAG if python is bool else FieldType.INTEGER
    raise TypeError(f"{path} has a type that is none of {', '.join(FieldType)}")


def is_storable(text: str) -> bool:
    """Return True if every database can hold `text`: it has no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
