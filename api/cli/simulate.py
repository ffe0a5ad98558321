"""`attune simulate`."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from


def simulate(
    readers: Annotated[int, typer.Option(min=1)] = 300,
    articles: Annotated[int, typer.Option(min=20)] = 1_500,
    days: Annotated[int, typer.Option(min=1)] = 7,
    seed: Annotated[int, typer.Option(min=0)] = 7,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Fill a database with a simulated newsroom and readers of known tastes, up to this midnight."""
    from datetime import UTC, datetime, timedelta

    from recsys.simulate.world import simulate as run
    from recsys.store import articles as article_store
    from recsys.store import log
    from recsys.store.database import open_database

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = run(readers=readers, articles=articles, days=days, seed=seed, start=today - timedelta(days=days))
    database = open_database(settings_from(database_url, home).database_url)
    with database.write() as connection:
        article_store.upsert(connection, world.articles)
        stored = log.append(connection, world.events, world.slates)
    typer.echo(
        f"{world.articles.height} articles, {stored.slates_stored} impressions and {stored.events_stored} events "
        f"of {readers} simulated readers stored in the {database.dialect} database"
    )
