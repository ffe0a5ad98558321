"""The engine as it was at a time: the same log, folded up to there."""

from dataclasses import replace
from functools import partial

from recsys.encoder.protocols import ModelEncoder
from recsys.feed.engine import FeedEngine
from recsys.feed.preferences import preferences_of
from recsys.feed.touched import touched
from recsys.index.index_factory import make_index
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import active_system, equipped
from recsys.projection.log_follower import Replay
from recsys.projection.vector_table import ensure_vectors, vector_table
from recsys.settings import Settings
from recsys.store import articles
from recsys.store.database import Database


def engine_at(database: Database, settings: Settings, encoder: ModelEncoder, as_of: int) -> FeedEngine:
    """An engine that knows what was known before `as_of` (microseconds), with the active bundle.

    Raises:
        BundleError: the active bundle cannot be used.
        EncoderError: an article has no vector and the encoder cannot be loaded.
    """
    system = active_system(settings.home, encoder.name)
    reader = encoder if system is None else article_encoder(encoder, system.calibration)
    with database.read() as connection:
        everything, _ = articles.changed_since(connection, 0)
    encoded = ensure_vectors(database, reader, everything)
    with database.read() as connection, Replay(connection, until=as_of) as log:
        state = log.advance(as_of)
    engine = FeedEngine(
        state,
        vector_table(state, everything, encoded),
        pool=settings.feed_candidates,
        max_age=settings.max_article_age_days,
        touched=partial(touched, database),
        said=partial(preferences_of, database),
    )
    if everything.height:
        index = make_index(settings.index, encoded.shape[1], everything.height, settings.device)
        index.add(everything["id"].to_list(), encoded)
        engine = replace(engine, index=index)
    return equipped(engine, system)
