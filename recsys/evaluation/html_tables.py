"""HTML page of tables, readable offline. All input is text and gets escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import jinja2


@dataclass(frozen=True, slots=True)
class Table:
    """Table of text, with one cell per row for each entry of `header`."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def html_page(title: str, about: str, tables: Iterable[Table]) -> str:
    """Render a whole page: title, a paragraph `about` it, and tables."""
    return _template().render(title=title, about=about, tables=list(tables))


def number(value: float | None) -> str:
    """Format with four digits, or a dash for None."""
    return "–" if value is None else f"{value:.4f}"


def interval(mean: float | None, low: float | None, high: float | None) -> str:
    """Format a mean with its interval."""
    return f"{number(mean)} [{number(low)}, {number(high)}]"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsys.evaluation", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
