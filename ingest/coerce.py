"""Conversion of columns to the type that a field needs. A value that does not fit becomes null."""

import json
from collections.abc import Callable, Sequence

import polars as pl

from ingest.timestamps import to_micros
from recsys.frames import NATIVE
from recsys.records import FieldType

LIST_MARK = "|"
"""Separator of the elements of a list written as text, if it is not a JSON array."""

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_FROM_FLOAT = frozenset({FieldType.NUMBER, FieldType.INTEGER, FieldType.TIME})
_LISTS = frozenset({FieldType.TEXTS, FieldType.NUMBERS})


def coerce(values: pl.Series, kind: FieldType) -> pl.Series:
    """Convert `values` to the type of `kind`; null where it was null or does not fit."""
    if values.dtype == pl.Null:
        return values.cast(NATIVE[kind])
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    return _COERCERS[kind](values).alias(values.name)


def from_values(name: str, values: Sequence[object], kind: FieldType) -> tuple[pl.Series, pl.Series]:
    """Convert JSON values; return the column of the type of `kind`, and the mask of values that do not fit."""
    column = _of_one_type(name, values, kind)
    if column is None:
        column = pl.Series(name, [_as_text(value, kind) for value in values], dtype=pl.String)
    fitted = coerce(column, kind)
    given = pl.Series(name, [value is not None for value in values], dtype=pl.Boolean)
    return fitted, given & fitted.is_null()


def _of_one_type(name: str, values: Sequence[object], kind: FieldType) -> pl.Series | None:
    types = {type(value) for value in values} - {type(None)}
    if types == {list}:
        return _series(name, values, NATIVE[kind]) if kind in _LISTS else None
    natives: dict[frozenset[type], pl.DataType] = {
        frozenset(): pl.Null(),
        frozenset({str}): pl.String(),
        frozenset({int}): pl.Int64(),
        frozenset({float}): pl.Float64(),
        frozenset({bool}): pl.Boolean(),
    }
    native = natives.get(frozenset(types))
    return None if native is None else _series(name, values, native)


def _series(name: str, values: Sequence[object], native: pl.DataType) -> pl.Series | None:
    try:
        return pl.Series(name, values, dtype=native)
    except (TypeError, OverflowError, UnicodeEncodeError, pl.exceptions.PolarsError):
        return None  # a number too large, half a surrogate pair, or mixed elements: convert one by one instead


def _as_text(value: object, kind: FieldType) -> str | None:
    if isinstance(value, str):
        return value if _is_unicode(value) else None
    if isinstance(value, bool):
        return str(value).lower() if kind is FieldType.FLAG else None
    if kind in _LISTS:
        return json.dumps(value) if isinstance(value, list) else None
    return str(value) if isinstance(value, int) or (isinstance(value, float) and kind in _FROM_FLOAT) else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nulls(values: pl.Series, kind: FieldType) -> pl.Series:
    return pl.Series(values.name, [None] * values.len(), dtype=NATIVE[kind])


def _to_text(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String or values.dtype.is_integer():
        return values.cast(pl.String)
    return _nulls(values, FieldType.TEXT)


def _to_number(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String or values.dtype.is_numeric():
        return values.cast(pl.Float64, strict=False)
    return _nulls(values, FieldType.NUMBER)


def _to_integer(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        return whole.set(whole.cast(pl.Float64) != values, None)
    if values.dtype == pl.String or values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    return _nulls(values, FieldType.INTEGER)


def _to_flag(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    if values.dtype == pl.String or values.dtype.is_integer():
        return (
            values.cast(pl.String).str.to_lowercase().replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
        )
    return _nulls(values, FieldType.FLAG)


def _to_texts(values: pl.Series) -> pl.Series:
    return _to_list(values, FieldType.TEXTS, lambda inner: inner == pl.String or inner.is_integer(), _text_element)


def _to_numbers(values: pl.Series) -> pl.Series:
    return _to_list(values, FieldType.NUMBERS, lambda inner: inner.is_numeric(), _number_element)


def _to_list(
    values: pl.Series,
    kind: FieldType,
    fits: Callable[[pl.DataType], bool],
    element: Callable[[object], object],
) -> pl.Series:
    if values.dtype == pl.String:
        return pl.Series(values.name, [_parse(text, element) for text in values.to_list()], dtype=NATIVE[kind])
    inner = getattr(values.dtype, "inner", None)
    if inner is not None and (inner == pl.Null or fits(inner)):
        return values.cast(NATIVE[kind])
    return _nulls(values, kind)


def _parse(text: str | None, element: Callable[[object], object]) -> list[object] | None:
    if text is None:
        return None
    try:
        items = json.loads(text) if text.lstrip().startswith("[") else text.split(LIST_MARK)
        return [element(item) for item in items]
    except (ValueError, RecursionError):
        return None


def _text_element(item: object) -> str | None:
    text = None if item is None else _as_text(item, FieldType.TEXT)
    if item is not None and text is None:
        raise ValueError("not a text")
    return text


def _number_element(item: object) -> float | None:
    if isinstance(item, (str, int, float)) and not isinstance(item, bool):
        return float(item)
    if item is not None:
        raise ValueError("not a number")
    return None


_COERCERS: dict[FieldType, Callable[[pl.Series], pl.Series]] = {
    FieldType.TEXT: _to_text,
    FieldType.TIME: to_micros,
    FieldType.NUMBER: _to_number,
    FieldType.INTEGER: _to_integer,
    FieldType.FLAG: _to_flag,
    FieldType.TEXTS: _to_texts,
    FieldType.NUMBERS: _to_numbers,
}
