"""`attune audit`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, settings_from


def audit(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="Number of actions to print.")] = 50,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the actions of administrators, newest first: time, key, action, and the id of what it changed."""
    from api.application.context import opened_application
    from api.application.iso_time import to_iso
    from api.application.key_admin import list_audit

    with opened_application(settings_from(database_url, None)) as app:
        rows = list_audit(app, last)
    for row in rows:
        typer.echo(f"{to_iso(row.at)[:19]}Z  {row.actor:12}  {row.act:16}  {row.subject}")
    if not rows:
        typer.echo("no action is recorded yet")
