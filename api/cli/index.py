"""`attune index`: stats, rebuild."""

import typer

from api.cli.options import DatabaseUrl, Home, settings_from

app = typer.Typer(help="Article vectors and the index over them.", no_args_is_help=True)


@app.command()
def stats(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """How many articles there are, and how many have a vector of the chosen encoder."""
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.vectors import stored_vectors
    from recsys.store import articles
    from recsys.store.database import open_database

    settings = settings_from(database_url, home)
    database, encoder = open_database(settings.database_url), LazyEncoder(settings)
    with database.read() as connection:
        everything, _ = articles.changed_since(connection, 0)
    present, _ = stored_vectors(database, encoder.name, everything)
    typer.echo(f"{everything.height} articles, {int(present.sum())} with a vector of {encoder.name}")


@app.command()
def rebuild(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Encode every article that has no vector yet. The index itself is built when a service starts."""
    from api.cli.progress import bars
    from recsys.encoder.lazy import LazyEncoder
    from recsys.feed.vectors import ensure_vectors
    from recsys.store import articles
    from recsys.store.database import open_database

    settings = settings_from(database_url, home)
    database, encoder = open_database(settings.database_url), LazyEncoder(settings)
    with database.read() as connection:
        everything, _ = articles.changed_since(connection, 0)
    with bars() as progress:
        ensure_vectors(
            database, encoder, everything, lambda done, total: progress("articles encoded", done, total)
        )
    typer.echo(f"{everything.height} articles have a vector of {encoder.name}")
