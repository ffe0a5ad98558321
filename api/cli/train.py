"""`attune train`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, moment, settings_from


def train(
    until: Annotated[
        str | None,
        typer.Option(
            help="Use only what was known before this time (ISO 8601, UTC); the day before it validates."
        ),
    ] = None,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Train on the log and publish a bundle: embed, learn preferences, learn to rank, check on the last day."""
    from api.cli.progress import bars
    from api.cli.table import results_table
    from recsys.bundle import active_version
    from recsys.encoder.lazy import LazyEncoder
    from recsys.store.database import open_database
    from recsys.training.train import train as run

    settings = settings_from(database_url, home)
    cut_off = moment(until, "--until")
    with bars() as progress:
        bundle = run(open_database(settings.database_url), settings, LazyEncoder(settings), cut_off, progress)
    results_table("validation: the last stretch before the cut-off", bundle.manifest["validation"])
    if active_version(settings.home) == bundle.version:
        typer.echo(f"published and activated bundle {bundle.version} in {bundle.path}")
    else:
        typer.echo(
            f"published bundle {bundle.version}, but it loses to plain popularity on the validation slice: "
            f"not activated (attune models activate {bundle.version} does)"
        )
