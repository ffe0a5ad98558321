"""Report of an ingest job for people."""

import itertools
import json
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ingest.field_names import RECORDS, canonical_names
from ingest.job_report import Report
from ingest.jobs import checked_rows
from ingest.raw_batch import PLACE, Batch
from ingest.reasons import fix_of

_SHOWN_ROWS = 10


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
    if report.left_over:
        console.print(f"{report.left_over:,} rows fit no rule of the mapping and are left out", soft_wrap=True)
    if report.resumed_from:
        console.print("an earlier run of this input was interrupted; this run continued it")
    rate = report.rows_this_run / max(report.seconds, 1e-9)
    console.print(f"{report.rows_this_run:,} rows in {report.seconds:.1f} s ({rate:,.0f} rows/s)")
    if warning is not None:
        console.print(f"warning: {warning}", soft_wrap=True, highlight=False, markup=False)


def show_rows(batch: Batch) -> None:
    """Print ten rows of a batch as they would be stored, and what would be left out."""
    console = Console()
    checked = checked_rows(batch)
    shown = [(kind, row) for kind, each in checked.items() for row in each.good.head(_SHOWN_ROWS).to_dicts()]
    for kind, row in _mixed(shown):
        values = {name: value for name, value in row.items() if name not in PLACE and value not in (None, [])}
        console.print(
            f"{kind} {json.dumps(values, ensure_ascii=False)}", soft_wrap=True, highlight=False, markup=False
        )
    for kind, each in checked.items():
        for reason, rows in each.rejects.group_by("reason").len().sort("reason").iter_rows():
            console.print(f"{kind} rejected, {reason} ({fix_of(reason)}): {rows:,}", soft_wrap=True, markup=False)
    for kind, reason, rows in batch.rejects.group_by("kind", "reason").len().sort("kind", "reason").iter_rows():
        console.print(f"{kind} rejected, {reason} ({fix_of(reason)}): {rows:,}", soft_wrap=True, markup=False)
    good = ", ".join(f"{each.good.height:,} {kind}" for kind, each in checked.items() if each.good.height)
    console.print(f"the first part of the input gives {good or 'no row'}; nothing was stored", soft_wrap=True)
    if batch.left_over:
        console.print(f"{batch.left_over:,} rows fit no rule of the mapping and are left out", soft_wrap=True)
    unused = sorted(batch.unread | {name for _, name in batch.unused})
    if unused:
        console.print(f"columns not used: {', '.join(unused)}", soft_wrap=True, highlight=False, markup=False)


def _mixed(rows: list[tuple[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
    """Return ten rows, of each kind as many as of the others, as far as there are."""
    kinds = dict.fromkeys(kind for kind, _ in rows)
    queues = [[each for each in rows if each[0] == kind] for kind in kinds]
    turns = (queue[turn] for turn in range(_SHOWN_ROWS) for queue in queues if turn < len(queue))
    return list(itertools.islice(turns, _SHOWN_ROWS))


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
