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
    """Erase a reader everywhere, and print the receipt as JSON; running services fold their state anew at once."""
    from dataclasses import asdict

    from api.application.reader_erasure import erase as erase_reader
    from ingest.pseudonyms import Pseudonyms
    from recsys.store.database import opened

    settings = settings_from(database_url, home)
    stored = Pseudonyms(settings.pseudonym_secret).of(reader)
    with opened(settings.database_url) as database:
        erased = erase_reader(database, settings.home, stored, actor="cli", named=reader)
    typer.echo(json.dumps({**asdict(erased.receipt), "rejects": erased.rejects}, indent=2))
    if not erased.rejects and not any(erased.receipt.counts.values()):
        typer.echo(f"nothing is stored of a reader {reader}: erased before, or is the id another one?", err=True)
