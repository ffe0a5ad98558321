"""Charts of reports as inline SVG: bars, and means with intervals. Needs matplotlib, the extra `plot`."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recsys.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OWN, _OTHER, _LINE = "#1d4ed8", "#9aa5b1", "#333333"
_WIDTH, _ROW = 7.2, 0.32
"""Inches of a chart, and of one row of it; the page scales charts to its column."""

_LONGEST_NAME = 48
_NO_METADATA: Mapping[str, None] = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True, slots=True)
class Chart:
    """Drawn chart. svg: markup; summary: a sentence that says the same to people who do not see it."""

    title: str
    svg: str
    summary: str


@dataclass(frozen=True, slots=True)
class Span:
    """Mean with its interval, and the name of what it is of. own: emphasised."""

    name: str
    mean: float
    low: float
    high: float
    own: bool = False


def require_matplotlib(option: str) -> None:
    """Check before the work that charts can be drawn.

    Raises:
        ConfigError: matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{option} needs matplotlib: pip install 'attune-feed[plot]'") from error


def span_chart(title: str, unit: str, spans: Sequence[Span], zero: str | None = None) -> Chart:
    """Draw means with their intervals, one below the other; `zero`: meaning of a line at 0, if there is one."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for place, each in enumerate(reversed(spans)):
            colour = _OWN if each.own else _OTHER
            axes.plot([each.low, each.high], [place, place], color=colour, linewidth=2.5, solid_capstyle="butt")
            axes.plot([each.mean], [place], "o", color=colour, markersize=7)
        axes.set_yticks(range(len(spans)), [_short(each.name) for each in reversed(spans)])
        axes.set_ylim(-0.6, len(spans) - 0.4)
        if zero is not None:
            axes.axvline(0.0, color=_LINE, linewidth=0.8)
        axes.set_xlabel(unit if zero is None else f"{unit} (line: {zero})")
        _bare(axes)

    texts = (f"{each.name} {each.mean:.4g}, from {each.low:.4g} to {each.high:.4g}" for each in spans)
    return Chart(title, _svg(title, draw, 0.9 + _ROW * len(spans)), f"{title}: {'; '.join(texts)}.")


def bar_chart(title: str, unit: str, names: Sequence[str], values: Sequence[float]) -> Chart:
    """Draw one bar for each name, from left to right, with its value above."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        bars = axes.bar(range(len(names)), values, color=_OWN, width=0.7)
        axes.bar_label(bars, [f"{value:,.3g}" if value < 100 else f"{value:,.0f}" for value in values], padding=2)
        axes.set_xticks(range(len(names)), [_short(name) for name in names])
        axes.set_ylabel(unit)
        axes.set_ylim(0, max([*values, 0.0]) * 1.15 or 1.0)
        _bare(axes)

    texts = (f"{name} {value:,.4g}" for name, value in zip(names, values, strict=True))
    return Chart(title, _svg(title, draw, 2.4), f"{title} ({unit}): {'; '.join(texts)}.")


def row_chart(title: str, unit: str, names: Sequence[str], values: Sequence[float]) -> Chart:
    """Draw one bar for each name, from top to bottom."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.barh(range(len(names)), list(values)[::-1], color=_OWN, height=0.7)
        axes.set_yticks(range(len(names)), [_short(name) for name in names][::-1])
        axes.set_xlabel(unit)
        _bare(axes)

    texts = (f"{name} {value:,.4g}" for name, value in zip(names, values, strict=True))
    return Chart(title, _svg(title, draw, 0.9 + _ROW * len(names)), f"{title} ({unit}): {'; '.join(texts)}.")


def _bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _svg(title: str, draw: Any, height: float) -> str:
    """Return the SVG that `draw` draws, as a part of a page: without prolog, addresses and ids that repeat."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # texts stay texts, so that a reader can select and search them; the salt keeps ids of charts apart
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "text.parse_math": False, "font.size": 9.0}):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata=dict(_NO_METADATA), transparent=True)
    markup = file.getvalue()
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r' xmlns(:xlink)?="[^"]*"', "", markup)
    markup = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"|<svg ([^>]*)height="[^"]*"', r"<svg \1\2", markup)
    return re.sub(r'<g id="[^"]*"', "<g", markup)
