"""HTML page of tables, readable offline. All input is text and gets escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; width: 100%; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """Table of text, with one cell per row for each entry of `header`."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def html_page(title: str, about: str, tables: Iterable[Table]) -> str:
    """Render a whole page: title, a paragraph `about` it, and tables."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Attune: {escape(title.lower())}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>{escape(about)}</p>"
        + "".join(map(_table, tables))
        + "</html>"
    )


def number(value: float | None) -> str:
    """Format with four digits, or a dash for None."""
    return "–" if value is None else f"{value:.4f}"


def interval(mean: float | None, low: float | None, high: float | None) -> str:
    """Format a mean with its interval."""
    return f"{number(mean)} [{number(low)}, {number(high)}]"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table><caption>{escape(table.caption)}</caption><tr>{head}</tr>{body}</table>"
