"""Trial of the whole engine on a simulated social network: train before the last day, judge on it by the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.domain import DAY, HOUR
from recsys.encoder.article_text import ArticleText
from recsys.encoder.protocols import Encoded, ModelEncoder
from recsys.feed.point_in_time import engine_at
from recsys.settings import Settings
from recsys.simulate.social.social_communities import from_follows, from_reads, mutual_information
from recsys.simulate.social.social_value import FeedValues, measure
from recsys.simulate.social.social_world import SocialWorld
from recsys.store.database import Database
from recsys.training.pipeline import train
from recsys.training.training_run import Progress

HOURS = (9, 13, 17, 21)
"""Hours of the last day at which readers ask for a feed."""

READERS = 150
"""Readers at each of these hours."""


@dataclass(frozen=True, slots=True)
class SocialFigures:
    """Result of a trial. follows, reads: normalised mutual information of the recovered communities."""

    values: FeedValues
    follows: float
    reads: float


class PlainEncoder:
    """Encoder without calibrated attention, whose training takes minutes."""

    def __init__(self, encoder: ModelEncoder) -> None:
        self.name = encoder.name
        self._encoder = encoder

    def encode(self, texts: Sequence[ArticleText]) -> Encoded:
        """Implement `protocols.Encoder.encode`."""
        return self._encoder.encode(texts)


def run_trial(
    database: Database,
    settings: Settings,
    encoder: ModelEncoder,
    world: SocialWorld,
    progress: Progress,
) -> SocialFigures:
    """Train on a stored `world` without its last day, and measure feeds and communities on that day."""
    last_day = int(world.slates["at"].max()) // DAY * DAY  # type: ignore[arg-type]
    train(database, settings, PlainEncoder(encoder), last_day, progress)
    moments = [last_day + hour * HOUR for hour in HOURS]
    engines = {}
    for number, at in enumerate(moments):
        progress("feeds of the last day", number, len(moments))
        engines[at] = engine_at(database, settings, encoder, at)
    seed = settings.seed
    values = measure(world, engines, READERS, np.random.default_rng(seed))
    progress("feeds of the last day", len(moments), len(moments))
    engine = engines[moments[-1]]
    people, planted = world.people.readers.ids.tolist(), world.people.community
    count = int(planted.max()) + 1
    found = (
        from_follows(engine.state, people, count, np.random.default_rng(seed)),
        from_reads(engine.state, engine.vectors, people, count, np.random.default_rng(seed)),
    )
    return SocialFigures(values, *(mutual_information(planted, each) for each in found))
