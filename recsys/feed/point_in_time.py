"""The engine as it was at a time: the same log, folded up to there."""

from dataclasses import replace
from functools import partial

from recsys.encoder.protocols import ModelEncoder
from recsys.feed.engine import FeedEngine
from recsys.feed.preferences import preferences_of
from recsys.feed.touched import seen_articles
from recsys.index.index_factory import make_index
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import active_system, with_models
from recsys.projection.log_follower import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
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
        align_vectors(state, everything, encoded),
        pool=settings.feed_candidates,
        max_age=settings.max_article_age_days,
        seen_articles=partial(seen_articles, database),
        said=partial(preferences_of, database),
    )
    if everything.height:
        index = make_index(settings.index, encoded.shape[1], everything.height, settings.device)
        index.add(everything["id"].to_list(), encoded)
        engine = replace(engine, index=index)
    return with_models(engine, system)
