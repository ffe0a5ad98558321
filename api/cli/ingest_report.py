"""Report of an ingest job for people."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ingest.field_names import RECORDS, canonical_names
from ingest.job_report import Report
from ingest.reasons import fix_of


def show(report: Report, warning: str | None) -> None:
    """Print the counts of a job, its problems, what to look at, and a warning at the end."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for header in ("read", "stored", "updated", "duplicate", "rejected", "without article"):
        table.add_column(header, justify="right")
    for kind in report.kinds():
        outcomes = [report.count(kind, name) for name in ("read", "stored", "updated", "duplicate")]
        numbers = [*outcomes, sum(report.rejected(kind).values()), report.count(kind, "unknown_article")]
        table.add_row(kind, *(f"{number:,}" for number in numbers))
    console = Console()
    console.print(table)
    for kind in report.kinds():
        for line in _problems(report, kind):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    if any(report.rejected(kind) for kind in report.kinds()):
        console.print(f"rejected rows are in {report.rejects_folder}", soft_wrap=True)
    if report.resumed_from:
        console.print("an earlier run of this input was interrupted; this run continued it")
    rate = report.rows_this_run / max(report.seconds, 1e-9)
    console.print(f"{report.rows_this_run:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)")
    if warning is not None:
        console.print(f"warning: {warning}", soft_wrap=True, highlight=False, markup=False)


def _problems(report: Report, kind: str) -> Iterator[str]:
    for reason, rows in report.rejected(kind).items():
        yield f"{kind} rejected, {reason} ({fix_of(reason)}): {rows:,}"
    for reason, values in report.lost(kind).items():
        yield f"{kind} stored without a value, {reason} ({fix_of(reason)}): {values:,}"
    if columns := report.unused(kind):
        yield f"{kind}, columns not used: {', '.join(_with_nearest(kind, name) for name in columns)}"
    behaviour, unknown = report.count(kind, "stored"), report.count(kind, "unknown_article")
    if 2 * unknown > behaviour > 0:
        yield f"warning: most {kind} name an article that is not stored; ingest the articles, and check their ids"


def _with_nearest(kind: str, column: str) -> str:
    nearest = canonical_names(kind).nearest(column) if kind in RECORDS else None
    return column if nearest is None else f"{column} (did you mean {nearest}?)"
