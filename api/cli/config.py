"""`attune config`."""

import os

import typer

_COLUMNS = 100
"""Width of an output without a width, for example a pipe."""

_VALUE_COLUMNS = 28


def config() -> None:
    """Print every setting, its value and its origin."""
    from rich.console import Console
    from rich.table import Table

    from recsys.settings import origins, unknown_settings

    found = origins()
    table = Table("setting", "value", "from", "meaning")
    table.columns[0].no_wrap = True
    table.columns[0].min_width = max(len(setting.variable) for setting in found)
    table.columns[1].overflow, table.columns[1].max_width = "fold", _VALUE_COLUMNS  # values are not cut
    for setting in found:
        table.add_row(setting.variable, setting.value, setting.origin, setting.meaning)
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _COLUMNS
    console.print(table)
    typer.echo("Priority: options, then the environment, then .env, then defaults.")
    for name in unknown_settings():
        typer.secho(f"{name} is set, but there is no such setting: check the spelling", fg="yellow", err=True)
