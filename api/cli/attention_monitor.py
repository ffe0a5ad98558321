"""`attune attention monitor`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from api.cli.options import DatabaseUrl, Home, require_writable, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from recsys.store.attention_stats import MonitorRow

_SHOWN = 20


def monitor(
    articles: Annotated[int, typer.Option(min=1, help="Group at most this many of the newest articles.")] = 20_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Show the calibration of the active bundle at work: state, figures by group, flagged headlines."""
    from api.application import attention_figures
    from api.application.context import opened_application
    from recsys.insight.article_calibration import figures_by_group, most_flagged

    require_writable(json_file)
    with opened_application(settings_from(database_url, home)) as app:
        calibrated = attention_figures.newest_calibrated(app, articles)
        if calibrated is None:
            raise ConfigError("the active bundle has no calibration: train one with `attune train`")
        newest = attention_figures.monitor_rows(app, 1)
    groups, flagged = figures_by_group(calibrated), most_flagged(calibrated, _SHOWN)
    if json_file is not None:
        state = asdict(newest[0]) if newest else None
        figures = {"newest": state, "groups": groups.to_dicts(), "flagged": flagged.to_dicts()}
        json_file.write_text(json.dumps(figures, indent=2))
        typer.echo(f"figures: {json_file}")
    _print_state(newest)
    _print_groups(groups)
    _print_flagged(flagged)


def _print_state(newest: "Sequence[MonitorRow]") -> None:
    if not newest:
        typer.echo("no service has reported yet: figures of the running calibration come from `attune serve`")
        return
    row = newest[0]
    drift = "too few texts" if row.entropy_psi is None else f"{row.entropy_psi:.2f}"
    breaker = "open: calibration is off" if row.breaker_open else "closed"
    typer.echo(f"bundle {row.bundle}: {row.texts} texts, drift (PSI) {drift}, circuit breaker {breaker}")
    if row.alert:
        typer.echo(f"alert: {row.alert}")


def _print_groups(groups: "pl.DataFrame") -> None:
    if groups.is_empty():
        typer.echo("no article was encoded with this calibration yet")
        return
    for (name,), part in groups.group_by("group", maintain_order=True):
        table = Table(title=f"headlines by {name}", box=SIMPLE, padding=(0, 1, 0, 0))
        table.add_column(str(name), overflow="fold")
        for column in ("articles", "adjusted", "words flagged", "D1 p50", "D1 p99"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in part.head(_SHOWN).iter_rows(named=True):
            shares = (f"{row['gated']:.1%}", f"{row['flagged']:.1%}")
            scores = (f"{row['score_p50']:.3f}", f"{row['score_p99']:.3f}")
            table.add_row(str(row["value"]), str(row["articles"]), *shares, *scores)
        Console().print(table)
        if part.height > _SHOWN:
            typer.echo(f"{part.height - _SHOWN} more: use --json")


def _print_flagged(flagged: "pl.DataFrame") -> None:
    if flagged.is_empty():
        return
    table = Table(title="headlines with the most flagged words", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("words flagged", justify="right", no_wrap=True)
    table.add_column("adjusted", no_wrap=True)
    table.add_column("id", overflow="fold")
    table.add_column("headline", overflow="fold")
    for row in flagged.iter_rows(named=True):
        table.add_row(f"{row['flagged_share']:.0%}", "yes" if row["gated"] else "no", row["id"], row["title"])
    Console().print(table)
    typer.echo("`attune attention explain ID` shows the words of one")
