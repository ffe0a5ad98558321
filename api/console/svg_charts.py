"""Geometry of charts that templates draw as SVG, without a script: bars over time, and means with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 400
"""Width of every chart in its own units; a page scales it to its column."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 10.0, 18.0
_BAR_HEIGHT = 150.0
_LABELS = 150.0
_ROW = 24.0
_GAP = 0.2
"""Share of the room of a bar that stays empty."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Text at a place of an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; label: its time and value, for a pointer that rests on it."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars from left to right. summary: a sentence that says the same; rows: (time, value) as a table."""

    title: str
    summary: str
    height: float
    bars: Sequence[Bar]
    lines: Sequence[Mark]
    marks: Sequence[Mark]
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Range:
    """A mean with its interval, and the name of what it is of. `own`: emphasised."""

    name: str
    mean: float
    low: float
    high: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class RangeRow:
    """One interval as drawn: places of its ends and of its mean, and its figures as text."""

    y: float
    name: str
    left: float
    right: float
    middle: float
    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class RangeChart:
    """Means with intervals, one below the other, on one axis."""

    title: str
    height: float
    rows: Sequence[RangeRow]
    marks: Sequence[Mark]


def bar_chart(title: str, names: Sequence[str], values: Sequence[float], unit: str = "") -> BarChart:
    """Return the chart of `values` [n], not negative, at the times `names` [n].

    Raises:
        ValueError: the two differ in length.
    """
    if len(names) != len(values):
        raise ValueError(f"{len(names)} names and {len(values)} values: a chart needs one name for each value")
    top = _round_up(max(values, default=0.0))
    room = (WIDTH - _LEFT - _RIGHT) / max(len(values), 1)
    scale = (_BAR_HEIGHT - _TOP - _BOTTOM) / top
    base = _BAR_HEIGHT - _BOTTOM
    texts = [_number(value) + unit for value in values]
    bars = [
        Bar(
            x=round(_LEFT + place * room + room * _GAP / 2, 2),
            y=round(base - value * scale, 2),
            width=round(room * (1 - _GAP), 2),
            height=round(value * scale, 2),
            label=f"{name}: {text}",
        )
        for place, (name, value, text) in enumerate(zip(names, values, texts, strict=True))
    ]
    ends = sorted({0, len(names) // 2, len(names) - 1}) if names else []
    return BarChart(
        title=title,
        summary=f"{title}: newest {texts[-1]}, highest {_number(max(values))}{unit}"
        if values
        else f"{title}: none",
        height=_BAR_HEIGHT,
        bars=bars,
        lines=[Mark(round(base - part * top * scale, 2), _number(part * top) + unit) for part in (0.0, 0.5, 1.0)],
        marks=[Mark(round(_LEFT + (place + 0.5) * room, 2), names[place]) for place in ends],
        rows=list(zip(names, texts, strict=True)),
    )


def range_chart(title: str, ranges: Sequence[Range]) -> RangeChart:
    """Return the chart of `ranges`, in their order."""
    low = min((each.low for each in ranges), default=0.0)
    high = max((each.high for each in ranges), default=1.0)
    span = max(high - low, 1e-9)
    room = WIDTH - _LABELS - 2 * _RIGHT

    def place(value: float) -> float:
        return round(_LABELS + _RIGHT + (value - low) / span * room, 2)

    rows = [
        RangeRow(
            y=_TOP + (row + 0.5) * _ROW,
            name=each.name,
            left=place(each.low),
            right=place(each.high),
            middle=place(each.mean),
            text=f"{each.mean:.3f}, 95% interval {each.low:.3f} to {each.high:.3f}",
            own=each.own,
        )
        for row, each in enumerate(ranges)
    ]
    # zero is where two systems are equal, so it gets its own line instead of the middle
    values = [low, 0.0 if low < 0 < high else low + span / 2, high]
    marks = [Mark(place(value), f"{value:.2f}") for value in values]
    return RangeChart(title, _TOP + len(rows) * _ROW + _BOTTOM, rows, marks)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 … that is not smaller; 1 for zero."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(f"{value:.0f}") - 1 if value >= 1 else -_zeros(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value)


def _zeros(value: float) -> int:
    """Return the number of decimals up to the first digit of a value below 1."""
    places = 1
    while value * 10**places < 1 and places < 12:
        places += 1
    return places


def _number(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.1f}M"
    if value >= 10_000:
        return f"{value / 1_000:.0f}k"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"
