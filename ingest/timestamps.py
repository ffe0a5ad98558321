"""Conversion of written times to integer microseconds since 1970-01-01 UTC. Times without a zone are UTC."""

import polars as pl

_ISO = (
    r"^(?<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:[.,](?<fraction>\d{1,9}))?)?)?"
    r"\s*(?<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?$"
)
_NUMBER = r"^-?\d+(?:\.\d+)?$"
_SECONDS_BELOW = 10**11  # as seconds this is the year 5138, as milliseconds 1973
_MILLIS_BELOW = 10**14
_LARGEST = 9.2e18


def to_micros(times: pl.Series) -> pl.Series:
    """Convert ISO 8601 text, epoch numbers (unit by size: s, ms or µs), dates and datetimes.

    Returns Int64 of the same length; null for nulls and for values that are not times.
    """
    kind = times.dtype
    if kind == pl.String:
        return _from_text(times)
    if kind.is_integer():
        return _scaled(times.cast(pl.Int64, strict=False))
    if kind.is_float():
        return _scaled(times.cast(pl.Float64))
    if isinstance(kind, pl.Datetime):
        utc = times.dt.convert_time_zone("UTC") if kind.time_zone else times
        return utc.dt.epoch("us").cast(pl.Int64)
    if kind == pl.Date:
        return times.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Int64)
    return pl.Series(times.name, [None] * times.len(), dtype=pl.Int64)


def _scaled(numbers: pl.Series) -> pl.Series:
    x = pl.col(numbers.name)
    size = x.abs()
    factor = pl.when(size < _SECONDS_BELOW).then(1_000_000).when(size < _MILLIS_BELOW).then(1_000).otherwise(1)
    fits = size.cast(pl.Float64) < _LARGEST  # False for NaN and infinity too
    micros = pl.when(fits & x.is_finite()).then(x * factor)
    return numbers.to_frame().select(micros.round(0).cast(pl.Int64, strict=False)).to_series()


def _from_text(texts: pl.Series) -> pl.Series:
    frame = texts.to_frame("text").with_columns(pl.col("text").str.strip_chars())
    iso = frame.select(pl.col("text").str.extract_groups(_ISO).alias("iso")).unnest("iso")
    micros = iso.select(_iso_micros().alias("iso")).to_series()
    if micros.null_count() == texts.null_count():
        return micros.alias(texts.name)
    is_number = pl.col("text").str.contains(_NUMBER)
    is_whole = is_number & ~pl.col("text").str.contains(".", literal=True)
    numbers = frame.select(
        whole=pl.when(is_whole).then("text").cast(pl.Int64, strict=False),
        decimal=pl.when(is_number & ~is_whole).then("text").cast(pl.Float64, strict=False),
    )
    both = pl.DataFrame(
        {"iso": micros, "whole": _scaled(numbers["whole"]), "decimal": _scaled(numbers["decimal"])}
    )
    return both.select(pl.coalesce("iso", "whole", "decimal")).to_series().alias(texts.name)


def _iso_micros() -> pl.Expr:
    def part(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Int64).fill_null(0)

    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64) * 86_400
    seconds = day + part("hour") * 3_600 + part("minute") * 60 + part("second")
    fraction = pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    return (seconds - _offset_seconds()) * 1_000_000 + fraction


def _offset_seconds() -> pl.Expr:
    digits = pl.col("zone").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    return (sign * (hours * 3_600 + minutes * 60)).fill_null(0)
