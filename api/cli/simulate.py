"""`attune simulate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DatabaseUrl, Home, settings_from
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from recsys.settings import Settings
    from recsys.simulate.simulated_log import SimulatedLog


def simulate(
    readers: Annotated[int, typer.Option(min=1, help="Number of readers.")] = 300,
    articles: Annotated[int, typer.Option(min=20, help="Number of articles.")] = 1_500,
    days: Annotated[int, typer.Option(min=1, help="Number of days.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data.")] = 7,
    out: Annotated[
        Path | None, typer.Option(help="Write Parquet files to this folder instead, for `attune ingest parquet`.")
    ] = None,
    social: Annotated[
        bool, typer.Option("--social", help="A social network: people who write the posts they read.")
    ] = False,
    database_url: DatabaseUrl = None,
    home: Home = None,
) -> None:
    """Fill a database with a simulated newsroom and readers of known affinities, up to the last midnight."""
    from datetime import UTC, datetime, timedelta

    from recsys.simulate.social.social_world import simulate_social
    from recsys.simulate.world import simulate as run

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=days)
    world: SimulatedLog
    if social:
        world = simulate_social(readers, articles, days, seed=seed, start=start)
    else:
        world = run(readers=readers, articles=articles, days=days, seed=seed, start=start)
    target = _store(world, settings_from(database_url, home)) if out is None else _write(world, out)
    typer.echo(
        f"{world.articles.height} articles, {world.slates.height} impressions and {world.events.height} events "
        f"of {readers} simulated readers, {days} days up to {today:%Y-%m-%dT%H:%M}, are in {target}"
    )


def _store(world: "SimulatedLog", settings: "Settings") -> str:
    from recsys.simulate.simulated_log import store_log
    from recsys.store.database import opened

    with opened(settings.database_url) as database:
        store_log(database, world)
    return f"the {database.dialect} database"


def _write(world: "SimulatedLog", folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        world.articles.write_parquet(folder / "articles.parquet")
        world.events.write_parquet(folder / "events.parquet")
        world.slates.write_parquet(folder / "impressions.parquet")
    except OSError as error:
        raise ConfigError(f"--out {folder} cannot be written: {error}") from error
    return str(folder)
