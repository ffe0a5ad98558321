"""Columns of official data sets → the type that a field needs. A value that does not fit becomes null.

Rows of the generic formats are converted value by value instead: `ingest.field_values`.
"""

from collections.abc import Callable

import polars as pl

from ingest.timestamps import to_micros
from recsys.frames import NATIVE
from recsys.records import FieldType


def coerce(values: pl.Series, kind: FieldType) -> pl.Series:
    """Convert `values` to the type of `kind`; null where it was null or does not fit."""
    if values.dtype == pl.Null:
        return values.cast(NATIVE[kind])
    if values.dtype in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    return _COERCERS[kind](values).alias(values.name)


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


def _to_texts(values: pl.Series) -> pl.Series:
    inner = getattr(values.dtype, "inner", None)
    if inner is not None and (inner in (pl.Null, pl.String) or inner.is_integer()):
        return values.cast(NATIVE[FieldType.TEXTS])
    return _nulls(values, FieldType.TEXTS)


_COERCERS: dict[FieldType, Callable[[pl.Series], pl.Series]] = {
    FieldType.TEXT: _to_text,
    FieldType.TIME: to_micros,
    FieldType.NUMBER: _to_number,
    FieldType.INTEGER: _to_integer,
    FieldType.TEXTS: _to_texts,
}
