"""`attune attention boilerplate`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.cli.options import DatabaseUrl, Home, require_writable, settings_from

_SHOWN = 40


def boilerplate(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all phrases to this file.")] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Find words that a source sets before or after its titles, and the attention that they receive."""
    from api.cli.progress import bars
    from recsys.encoder.lazy import LazyEncoder
    from recsys.store.database import opened
    from recsys.training.calibration.source_boilerplate import source_boilerplate

    require_writable(json_file)
    settings = settings_from(database_url, home)
    with opened(settings.database_url) as database, bars() as progress:
        found = source_boilerplate(database, LazyEncoder(settings).loaded(), progress)
    if json_file is not None:
        rows = [{**asdict(each.phrase), "received": each.received} for each in found]
        json_file.write_text(json.dumps(rows, indent=2))
        typer.echo(f"phrases: {json_file}")
    if not found:
        typer.echo("no source sets the same words before or after many of its titles")
        return
    table = Table(title="words that sources set before or after their titles")
    for name in ("source", "phrase", "where", "titles", "attention"):
        table.add_column(name, justify="right" if name in ("titles", "attention") else "left", overflow="fold")
    for each in found[:_SHOWN]:
        phrase = each.phrase
        where = "before" if phrase.before else "after"
        cells = (phrase.source or "unknown", " ".join(phrase.words), where)
        table.add_row(*cells, f"{phrase.share:.0%}", f"{each.received:.2f}×")
    Console().print(table)
    if len(found) > _SHOWN:
        typer.echo(f"{len(found) - _SHOWN} more: use --json")
