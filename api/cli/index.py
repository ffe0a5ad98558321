"""`attune index`: stats, rebuild."""

from typing import TYPE_CHECKING

import typer

from api.cli.options import DatabaseUrl, Home, Ray, Workers, batch_encoder, settings_from

if TYPE_CHECKING:
    from recsys.encoder.lazy import LazyEncoder
    from recsys.encoder.protocols import Encoder
    from recsys.settings import Settings

app = typer.Typer(help="Article vectors and the index over them.", no_args_is_help=True)


@app.command()
def stats(database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Print the number of articles, and of those with a vector of the configured encoder.

    Also the number of headlines with the vector of another one, if there are any.
    """
    from recsys.encoder.article_text import headlines
    from recsys.encoder.lazy import LazyEncoder
    from recsys.encoder.text_coverage import shared_sentence, shared_vectors
    from recsys.frames import where
    from recsys.projection.vector_table import stored_vectors
    from recsys.store import articles
    from recsys.store.database import open_database

    settings = settings_from(database_url, home)
    database, encoder = open_database(settings.database_url), _encoder(settings, LazyEncoder(settings))
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
    present, vectors = stored_vectors(database, encoder.name, catalogue)
    typer.echo(f"{catalogue.height} articles, {int(present.sum())} with a vector of {encoder.name}")
    distinct, shared = shared_vectors(headlines(where(catalogue, present)), vectors)
    if shared:
        typer.echo(shared_sentence(shared, distinct))


@app.command()
def rebuild(workers: Workers = None, ray: Ray = None, database_url: DatabaseUrl = None, home: Home = None) -> None:
    """Encode every article without a vector. The index itself is built when a service starts."""
    from api.cli.progress import bars
    from recsys.projection.vector_table import ensure_vectors
    from recsys.store import articles
    from recsys.store.database import open_database

    settings = settings_from(database_url, home, workers=workers, ray=ray)
    database = open_database(settings.database_url)
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
    with batch_encoder(settings) as raw, bars() as progress:
        encoder = _encoder(settings, raw)
        ensure_vectors(database, encoder, catalogue, lambda done, total: progress("articles encoded", done, total))
    typer.echo(f"{catalogue.height} articles have a vector of {encoder.name}")


def _encoder(settings: "Settings", encoder: "LazyEncoder") -> "Encoder":
    """Return the configured encoder, with the calibration of the active bundle."""
    from recsys.models.calibrator_io import article_encoder
    from recsys.models.model_loader import active_system

    system = active_system(settings.home, encoder.name)
    return encoder if system is None else article_encoder(encoder, system.calibration)
