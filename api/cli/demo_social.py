"""Steps of `attune demo --social`, with the same engine as the newsroom."""

from pathlib import Path

import typer

from api.cli.demo_run import clear, print_feed
from api.cli.progress import bars
from recsys.domain import FeedRequest
from recsys.encoder.lazy import LazyEncoder
from recsys.feed.point_in_time import engine_at
from recsys.settings import Settings, load_settings
from recsys.simulate.simulated_log import store_log
from recsys.simulate.social.social_trial import READERS, SocialFigures, run_trial
from recsys.simulate.social.social_value import ATTUNE, CHRONOLOGICAL, LIMIT, ORACLE, POPULAR
from recsys.simulate.social.social_world import SocialWorld, simulate_social
from recsys.store.database import Database, open_database

PEOPLE, POSTS, DAYS = 240, 4_000, 8
FULL_PRICE = 1.0
"""Price of a minute as a share of what one gave in the log: it is full, since the measure is value per minute."""


def run_social(folder: Path) -> None:
    """Simulate a social network, train, compare feeds by the truth, and print a reader's feed."""
    clear(folder)
    settings = social_settings(folder)
    database, encoder = open_database(settings.database_url), LazyEncoder(settings)
    world = simulate_social(PEOPLE, POSTS, DAYS)
    store_log(database, world)
    typer.echo(
        f"simulated {DAYS} days: {world.articles.height} posts, {PEOPLE} people, {world.slates.height} "
        f"impressions, {world.events.height} events"
    )
    with bars() as progress:
        figures = run_trial(database, settings, encoder, world, progress)
    _print_figures(figures)
    reader = _most_active(world)
    _print_feed(database, settings, encoder, world, reader)
    typer.echo(f"\nserve it: attune serve --database-url {settings.database_url} --home {folder}")
    typer.echo(f"and open http://127.0.0.1:8000/?reader={reader} in a browser")


def social_settings(folder: Path) -> Settings:
    """Return the settings of a social network in `folder`."""
    return load_settings(database_url=f"sqlite:///{folder / 'attune.db'}", home=folder, minute_price=FULL_PRICE)


def _print_figures(figures: SocialFigures) -> None:
    values = figures.values
    typer.echo(f"\nengaged value per minute on the last day, {READERS} readers at four hours, slates of {LIMIT}:")
    for feed in (CHRONOLOGICAL, POPULAR, ATTUNE, ORACLE):
        typer.echo(f"  {feed:<14} {values.per_minute(feed):.4f}")
    typer.echo(
        f"Attune: {values.gain(CHRONOLOGICAL):+.0%} over chronological, {values.gain(POPULAR):+.0%} over popular; "
        f"it closes {values.closed:.0%} of the gap to the oracle"
    )
    typer.echo(f"communities recovered: NMI {figures.follows:.2f} from follows, {figures.reads:.2f} from readings")


def _most_active(world: SocialWorld) -> str:
    return str(
        world.slates["reader"].value_counts().sort("count", "reader", descending=[True, False])["reader"][0]
    )


def _print_feed(
    database: Database, settings: Settings, encoder: LazyEncoder, world: SocialWorld, reader: str
) -> None:
    now = int(world.slates["at"].max()) + 1  # type: ignore[arg-type]
    engine = engine_at(database, settings, encoder, now)
    slate = engine.recommend(FeedRequest(request_id="demo", as_of=now, reader=reader, limit=8))
    posts = world.articles.select("id", "author", "title").iter_rows()
    typer.echo(f"\nthe feed of {reader}, with explanations:")
    print_feed(slate.ranking, {id_: f"{author}: {title}" for id_, author, title in posts})
