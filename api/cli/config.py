"""`attune config`."""

import typer


def config() -> None:
    """Print every setting, its value and where it comes from."""
    from rich.console import Console
    from rich.table import Table

    from recsys.settings import origins

    table = Table("setting", "value", "from", "meaning")
    for setting in origins():
        table.add_row(setting.variable, setting.value, setting.origin, setting.meaning)
    Console().print(table)
    typer.echo("Flags win over the environment, the environment over .env, .env over defaults.")
