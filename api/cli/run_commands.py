"""`attune experiments`: list and compare trainings and evaluations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import DatabaseUrl, settings_from

if TYPE_CHECKING:
    from rich.table import Table

    from recsys.store.runs import Run, RunKind

app = typer.Typer(
    help="Every training and evaluation, with its parameters and figures: list and compare them.",
    no_args_is_help=True,
)

_SHORT = 8
"""Characters of an id that tables show."""

_LISTED = ("auc", "ndcg@10", "read_weighted_ndcg@10")

_Runs = Annotated[list[str], typer.Argument(help="Ids, or their first characters, as `list` prints them.")]
_Kind = Annotated[str | None, typer.Option(help="Only of this kind: training or evaluation.", show_default=False)]


@app.command("list")
def list_runs(
    kind: _Kind = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of newest runs.")] = 20,
    json_lines: Annotated[bool, typer.Option("--json", help="Print each as a JSON object on a line.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List the newest trainings and evaluations, newest first, with figures of the full system."""
    from rich.console import Console
    from rich.table import Table

    from recsys.domain import iso
    from recsys.evaluation.html_tables import number
    from recsys.evaluation.systems import FULL_SYSTEM
    from recsys.store import runs
    from recsys.store.database import opened

    with opened(settings_from(database_url, None).database_url) as database, database.read() as connection:
        found = runs.newest(connection, _kind(kind), limit)
    if json_lines:
        for run in found:
            typer.echo(json.dumps(_document(run)))
        return
    if not found:
        typer.echo("no runs: `attune train` and `attune evaluate` record them")
        return
    table = Table("id", "kind", "end", "bundle")
    for column in ("seconds", "impressions", *_LISTED):
        table.add_column(column, justify="right")
    for run in found:
        figures = run.figures.get(FULL_SYSTEM, {})
        shown = (number(figures.get(metric)) for metric in _LISTED)
        counts = (f"{run.seconds:.0f}", f"{run.data.get('impressions', 0):,}")
        table.add_row(run.id[:_SHORT], run.kind.value, iso(run.at)[:16], run.bundle, *counts, *shown)
    Console(width=150).print(table)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="Id, or its first characters.")], database_url: DatabaseUrl = None
) -> None:
    """Print all of a run as JSON."""
    (found,) = _found([run], database_url)
    typer.echo(json.dumps(_document(found), indent=2))


@app.command()
def compare(
    runs: _Runs,
    system: Annotated[
        str | None, typer.Option(help="System to compare; by default the full one.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print what differs between runs: parameters, impressions, and the figures of one system."""
    from rich.console import Console

    from recsys.errors import DataError
    from recsys.evaluation.systems import FULL_SYSTEM

    found = _found(runs, database_url)
    name = system or FULL_SYSTEM
    for run in found:
        if name not in run.figures:
            raise DataError(
                f"run {run.id[:_SHORT]} has no figures of {name!r}: choose from {', '.join(run.figures)}"
            )
    console = Console(width=150)
    parameters = _differing([{"bundle": run.bundle, **run.parameters} for run in found])
    if parameters:
        console.print(_table("differing parameters", found, parameters))
    data = _differing([run.data for run in found])
    if data:
        console.print(_table("differing impressions", found, data))
        typer.secho("the runs measured different impressions: their figures do not compare", fg="yellow")
    metrics = dict.fromkeys(metric for run in found for metric in run.figures[name])
    rows = {metric: [_figure(found, name, metric, run) for run in found] for metric in metrics}
    console.print(_table(f"figures of {name}, and difference to the first run", found, rows))


def _document(run: "Run") -> dict[str, Any]:
    from recsys.domain import iso

    return {**asdict(run), "at": iso(run.at)}


def _kind(name: str | None) -> "RunKind | None":
    from recsys.errors import ConfigError
    from recsys.store.runs import RunKind

    if name is None:
        return None
    try:
        return RunKind(name)
    except ValueError as error:
        raise ConfigError(f"--kind must be one of {', '.join(RunKind)}, not {name!r}") from error


def _found(ids: Sequence[str], database_url: str | None) -> "list[Run]":
    from recsys.store import runs
    from recsys.store.database import opened

    with opened(settings_from(database_url, None).database_url) as database, database.read() as connection:
        return runs.find(connection, ids)


def _differing(values: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the rows whose values are not the same in all columns."""
    names = dict.fromkeys(name for column in values for name in column)
    rows = {name: [str(column.get(name, "–")) for column in values] for name in names}
    return {name: cells for name, cells in rows.items() if len(set(cells)) > 1}


def _figure(found: "Sequence[Run]", system: str, metric: str, run: "Run") -> str:
    value, first = run.figures[system].get(metric), found[0].figures[system].get(metric)
    if value is None:
        return "–"
    if run is found[0] or first is None:
        return f"{value:.4f}"
    return f"{value:.4f} ({value - first:+.4f})"


def _table(title: str, found: "Sequence[Run]", rows: Mapping[str, Sequence[str]]) -> "Table":
    from rich.table import Table

    table = Table("", *(f"{run.kind.value} {run.id[:_SHORT]}" for run in found), title=title, title_justify="left")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table
