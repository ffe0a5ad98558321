"""`attune audit`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, settings_from


def audit(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many acts to show.")] = 50,
    database_url: DatabaseUrl = None,
) -> None:
    """What administrators did, newest first: when, who (a key's id), what, and to which key, bundle or receipt."""
    from api.http.iso_time import to_iso
    from recsys.store import audit_log as acts
    from recsys.store.database import opened

    with opened(settings_from(database_url, None).database_url) as database, database.read() as connection:
        rows = acts.newest(connection, last)
    for row in rows:
        typer.echo(f"{to_iso(row.at)[:19]}Z  {row.actor:12}  {row.act:16}  {row.subject}")
    if not rows:
        typer.echo("nothing is on record yet")
