"""`attune config`."""

import typer

_PIPE_COLUMNS = 1_000


def config() -> None:
    """Print every setting, its value and where it comes from."""
    from rich.console import Console
    from rich.table import Table

    from recsys.settings import origins

    found = origins()
    table = Table("setting", "value", "from", "meaning")
    table.columns[0].no_wrap = True
    table.columns[0].min_width = max(len(setting.variable) for setting in found)
    for setting in found:
        table.add_row(setting.variable, setting.value, setting.origin, setting.meaning)
    console = Console()
    if not console.is_terminal:  # a pipe has no width: whole lines, for whatever reads them
        console.width = _PIPE_COLUMNS
    console.print(table)
    typer.echo("Flags win over the environment, the environment over .env, .env over defaults.")
