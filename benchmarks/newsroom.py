"""Simulated newsroom for load tests: a simulated log, vectors of words, and a bundle trained on a smaller log.

The vectors are stored under the name of the encoder in the settings, so that a server finds them and encodes
nothing: the feed is measured, not the encoder.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from recsys.encoder.article_text import ArticleText
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import Encoded
from recsys.models import bundle as bundles
from recsys.projection.vector_table import ensure_vectors
from recsys.settings import Settings, load_settings
from recsys.simulate.simulated_log import SimulatedLog, store_log
from recsys.simulate.world import World, simulate
from recsys.store import articles
from recsys.store.database import Database, open_database, opened
from recsys.training.pipeline import train

_DIM = 384


class WordEncoder:
    """Encoder of word vectors: a random direction per word, summed by field; texts with common words are near."""

    def __init__(self, name: str = "words") -> None:
        self.name = name

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Return unit vectors [n, 1152]."""
        fields = [np.stack([_direction(part or text.headline) for part in text]) for text in texts]
        return Encoded({self.name: (np.stack(fields) / np.sqrt(3)).reshape(len(texts), -1).astype(np.float32)})


def _direction(text: str) -> NDArray[np.float64]:
    total = np.sum([_of_word(word) for word in text.split()], axis=0)
    return np.asarray(total / np.linalg.norm(total))


@cache
def _of_word(word: str) -> NDArray[np.float64]:
    return np.random.default_rng(list(word.encode())).normal(size=_DIM)


def stored(world: SimulatedLog, database_url: str) -> Database:
    """Return an open database with the log of `world`."""
    database = open_database(database_url)
    store_log(database, world)
    return database


@contextmanager
def room(folder: Path | None) -> Iterator[Path]:
    """Yield `folder`, created if missing; without one, a temporary folder."""
    with TemporaryDirectory() as scratch:
        found = (folder or Path(scratch)).resolve()
        found.mkdir(parents=True, exist_ok=True)
        yield found


def furnished(folder: Path, readers: int, count: int, days: int, database_url: str | None = None) -> Settings:
    """Return settings of a database with this many readers and articles, and an active bundle, both made once.

    With `database_url` the log is in that database: it is filled if it has no articles.
    """
    settings = load_settings(database_url=database_url or f"sqlite:///{folder / 'attune.db'}", home=folder)
    encoder = WordEncoder(LazyEncoder(settings).name)
    if bundles.active_version(folder) is None:
        _train(folder, settings, encoder)
    with opened(settings.database_url) as database, database.read() as connection:
        filled = articles.count(connection) > 0
    if not filled:
        _store(settings, encoder, simulate(readers=readers, articles=count, days=days))
    return settings


def _train(folder: Path, settings: Settings, encoder: WordEncoder) -> None:
    small = settings.model_copy(update={"database_url": f"sqlite:///{folder / 'training.db'}"})
    _store(small, encoder, simulate(readers=300, articles=1_500, days=7))
    database = open_database(small.database_url)
    try:
        bundles.activate(settings.home, train(database, small, encoder).version)
    finally:
        database.close()


def _store(settings: Settings, encoder: WordEncoder, world: World) -> None:
    database = stored(world, settings.database_url)
    try:
        ensure_vectors(database, encoder, world.articles)
    finally:
        database.close()
