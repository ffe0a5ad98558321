"""Steps of `attune demo`, with the same functions as the other commands."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import typer

from api.cli.progress import bars
from api.cli.results_tables import results_table
from recsys.domain import DAY, FeedRequest, Ranking
from recsys.encoder.lazy import LazyEncoder
from recsys.errors import ConfigError
from recsys.evaluation.oracle_gap import Gap, gap
from recsys.evaluation.run_evaluation import EvaluationOptions, choose_window, evaluate
from recsys.feed.point_in_time import engine_at
from recsys.models.model_loader import load_bundle
from recsys.settings import Settings, load_settings
from recsys.simulate.oracle import ORACLE, oracle_of
from recsys.simulate.simulated_log import store_log
from recsys.simulate.world import World, simulate
from recsys.store.database import Database, open_database
from recsys.training.pipeline import train

_MARKER = ".attune-demo"
_LASTING_SECONDS = 60.0


def clear(folder: Path) -> None:
    """Delete an earlier demo in `folder`, but no other files.

    Raises:
        ConfigError: the folder contains other files.
    """
    marker = folder / _MARKER
    if folder.exists() and not marker.exists() and (folder.is_file() or any(folder.iterdir())):
        raise ConfigError(f"--folder {folder} contains other files: choose an empty or new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()


@dataclass(frozen=True, slots=True)
class Made:
    """Finished demo: where it is, and the reader whose feed it shows."""

    settings: Settings
    reader: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Demo in its own folder; each run starts from an empty one."""

    folder: Path
    readers: int
    articles: int
    days: int

    def run(self) -> "Made":
        """Simulate, train, evaluate, and print a feed."""
        clear(self.folder)
        settings = load_settings(database_url=f"sqlite:///{self.folder / 'attune.db'}", home=self.folder)
        database, encoder = open_database(settings.database_url), LazyEncoder(settings)
        world = self._store(database)
        last = int(world.slates["at"].max())  # type: ignore[arg-type]
        with bars() as progress:
            train(database, settings, encoder, last - DAY, progress)
            system = load_bundle(settings.home, encoder.name)
            window = choose_window(database, system, None, None, in_sample=False)
            options = EvaluationOptions({ORACLE: oracle_of(world)})
            result = evaluate(database, encoder, system, window, progress, options)
        results_table(f"the last day: {result['data']['impressions']} impressions", result["systems"])
        _print_gap(gap(result["systems"], ORACLE))
        reader = self._show_feed(database, settings, encoder, world, last + 1)
        typer.echo(f"\nserve it: attune serve --database-url {settings.database_url} --home {self.folder}")
        typer.echo(f"and open http://127.0.0.1:8000/?reader={reader} in a browser")
        return Made(settings, reader)

    def _store(self, database: Database) -> World:
        world = simulate(readers=self.readers, articles=self.articles, days=self.days)
        stored = store_log(database, world)
        typer.echo(
            f"simulated {self.days} days: {world.articles.height} articles, {self.readers} readers, "
            f"{stored.slates_stored} impressions, {stored.events_stored} events"
        )
        return world

    def _show_feed(
        self, database: Database, settings: Settings, encoder: LazyEncoder, world: World, now: int
    ) -> str:
        """Print the feed of a regular reader, and return the reader."""
        reader = _regular_reader(world)
        affinity = sorted(world.affinities[reader].items(), key=lambda item: -item[1])[:3]
        engine = engine_at(database, settings, encoder, now)
        slate = engine.recommend(FeedRequest(request_id="demo", as_of=now, reader=reader, limit=8))
        favourites = ", ".join(f"{name} {share:.0%}" for name, share in affinity)
        typer.echo(f"\nreader {reader} is simulated to like {favourites}; the feed, with explanations:")
        print_feed(slate.ranking, dict(world.articles.select("id", "title").iter_rows()))
        return reader


def _print_gap(of: Gap | None) -> None:
    if of is None:
        return
    typer.echo(
        f"\nAttune closes {of.closed:.0%} of the AUC gap between popularity and the oracle "
        f"({of.baseline:.3f} -> {of.reached:.3f} of {of.ceiling:.3f})"
    )


def _regular_reader(world: World) -> str:
    """Return a reader with more long reads than most; those with the most clicks may follow every headline."""
    lasted = (pl.col("kind") == "read") & (pl.col("value") >= _LASTING_SECONDS)
    reads = world.events.filter(lasted).group_by("reader").len().sort("len", "reader", descending=[True, False])
    return str(reads["reader"][len(reads) // 4])


def print_feed(ranking: Ranking, titles: Mapping[str, str]) -> None:
    """Print the articles of a feed, by the titles of their ids, with the reasons."""
    for item in ranking.items:
        typer.echo(f"{item.position + 1}. {titles[item.id]}")
        typer.echo(f"   {'; '.join(reason.text for reason in item.reasons)}")
