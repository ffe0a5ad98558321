"""A small simulated world, an encoder that needs no network, and a bundle trained on them in seconds."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from recsys.cpu_threads import cpu_threads
from recsys.domain import DAY
from recsys.encoder.article_text import ArticleText
from recsys.encoder.field_concat import article_vectors
from recsys.encoder.protocols import Encoded, Encoder, TokenEncoder
from recsys.evaluation.bootstrap import Interval
from recsys.models.bundle import Bundle
from recsys.ranking.lambdamart import LambdaMartConfig
from recsys.settings import Settings
from recsys.simulate.simulated_log import store_log
from recsys.simulate.world import World, simulate
from recsys.store.database import Database, open_database
from recsys.training import choice_days, ranker_choice, rankers
from recsys.training import pipeline as training
from recsys.training.calibration import history_gate
from recsys.training.text_feature_gate import ContentGate
from recsys.training.training_run import TrainingOptions
from tests.hashed import HashModel
from tests.migrated import sqlite_url


class HashEncoder:
    """Articles → vectors near to those of the first words of their texts; the same on every machine."""

    name = "hash@16"

    def __init__(self) -> None:
        self.encoded: list[ArticleText] = []

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        self.encoded += texts
        return Encoded({self.name: article_vectors(HashModel(), texts)})

    def loaded(self) -> TokenEncoder:
        return HashModel()


@dataclass(frozen=True)
class Place:
    """Where a database and its bundles are. `settings` name both."""

    settings: Settings

    @property
    def home(self) -> Path:
        return self.settings.home

    def open(self) -> Database:
        return open_database(self.settings.database_url)

    def copy(self, folder: Path) -> "Place":
        """A copy to change."""
        shutil.copytree(self.home, folder, dirs_exist_ok=True)
        return place(folder, self.settings)


@cache
def world() -> World:
    """Some 300 slates of 40 readers in three days."""
    return simulate(readers=40, articles=150, days=3, seed=10)


def last_day() -> int:
    """When the last day of the small world begins."""
    return int(world().slates["at"].max()) - DAY  # type: ignore[arg-type]


def quick_settings(encoder: Path | None = None) -> Settings:
    """Settings of tests, with the encoder in a folder or the default one."""
    chosen = {} if encoder is None else {"encoder": str(encoder)}
    return Settings(index="exact", device="cpu", database_patience=60, _env_file=None, **chosen)


def place(folder: Path, like: Settings | None = None, url: str | None = None) -> Place:
    """A database, in `folder` unless a `url` names another, and a home in `folder`."""
    found = like or quick_settings()
    there = url or sqlite_url(folder)
    return Place(found.model_copy(update={"database_url": there, "home": folder}))


def populated(
    folder: Path, of: World | None = None, url: str | None = None, like: Settings | None = None
) -> Place:
    """A place whose database holds a world, the small one by default; settings are those of `like`."""
    chosen, made = of or world(), place(folder, like, url)
    database = made.open()
    store_log(database, chosen)
    database.close()
    return made


def train_quickly(where: Place, encoder: Encoder, until: int | None = None) -> Bundle:
    """Train with a few trees of two seeds on one thread.

    They serve also if a part ranks better, and use text also if they rank worse with it.
    """
    database = where.open()
    with pytest.MonkeyPatch.context() as patch:
        quick = replace(LambdaMartConfig(), trees=30, threads=1)
        patch.setattr(rankers, "LambdaMartConfig", lambda seed: replace(quick, seed=seed))
        patch.setattr(ranker_choice, "MARGIN", 2.0)
        patch.setattr(ContentGate, "of", lambda _: ContentGate(True, Interval(0.0, 0.0, 0.0)))
        patch.setattr(choice_days, "FEW_SLATES", 0)
        patch.setattr(history_gate, "REPEATS", 1)
        try:
            with cpu_threads(1):  # as beside a service in this process, so that the result is the same bit for bit
                return training.train(database, where.settings, encoder, until, options=TrainingOptions(seeds=2))
        finally:
            database.close()
