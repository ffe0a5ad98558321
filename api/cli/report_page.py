"""One HTML file for a report: verdict, charts and tables, without script and without any request."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import jinja2
from markupsafe import Markup

from api.cli.report_charts import Chart
from recsys.evaluation.html_tables import Table

Look = Literal["good", "soft", "bad"]


@dataclass(frozen=True, slots=True)
class Section:
    """Part of a report: paragraphs, then charts, then a table."""

    heading: str
    text: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Whole report. about: what it is of; verdict: the answer in one or two sentences, with its look."""

    title: str
    about: str
    look: Look
    verdict: str
    sections: Sequence[Section]


def render(report: Report) -> str:
    """Return the page; all texts are escaped."""
    return _template().render(report=report)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("api.cli", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawn"] = Markup  # only for markup of matplotlib, which escapes names
    return environment.get_template("report_page.html.j2")
