"""`attune migrate`."""

import typer

from api.cli.options import DatabaseUrl, settings_from


def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database schema up to date. Other commands do so too; run this before a rolling deployment."""
    from recsys.store.database import open_database

    database = open_database(settings_from(database_url, None).database_url)
    typer.echo(f"the schema of the {database.dialect} database is up to date")
    database.close()
