"""`attune erase`."""

import json
from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from


def erase(
    reader: Annotated[str, typer.Argument(help="Id of the reader.")],
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Erase a reader everywhere, and print the receipt as JSON; running services forget the reader at once."""
    from dataclasses import asdict

    from api.application.context import opened_application
    from api.application.reader_data import erase_reader
    from ingest.pseudonyms import Pseudonyms

    settings = settings_from(database_url, home)
    stored = Pseudonyms(settings.pseudonym_secret).of(reader)
    with opened_application(settings) as app:
        erased = erase_reader(app, stored, actor="cli", raw_id=reader)
    typer.echo(json.dumps({**asdict(erased.receipt), "rejects": erased.rejects}, indent=2))
    if not erased.rejects and not any(erased.receipt.counts.values()):
        typer.echo(f"nothing is stored about reader {reader}: erased before, or wrong id?", err=True)
