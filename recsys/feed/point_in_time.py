"""Engine as of a past time: the log folded up to that time."""

from recsys.editorial.rule_book import RuleBook
from recsys.encoder.protocols import ModelEncoder
from recsys.feed.engine import FeedEngine
from recsys.feed.reader_lookups import stored_lookups
from recsys.feed.retrieval import feed_limits
from recsys.index.index_factory import make_index
from recsys.models.calibrator_io import article_encoder
from recsys.models.model_loader import active_system
from recsys.models.model_set import Models
from recsys.projection.log_replay import Replay
from recsys.projection.vector_table import align_vectors, ensure_vectors
from recsys.settings import Settings
from recsys.store import articles, rules
from recsys.store.database import Database


def engine_at(database: Database, settings: Settings, encoder: ModelEncoder, as_of: int) -> FeedEngine:
    """Build an engine from the log before `as_of` (microseconds), with the active bundle.

    Raises:
        BundleError: the active bundle cannot be used.
        EncoderError: an article has no vector and the encoder cannot be loaded.
    """
    system = active_system(settings.home, encoder.name)
    articles_encoder = encoder if system is None else article_encoder(encoder, system.calibration)
    with database.read() as connection:
        catalogue, _ = articles.upserted_since(connection, 0)
    encoded = ensure_vectors(database, articles_encoder, catalogue)
    with database.read() as connection, Replay(connection, until=as_of) as log:
        state = log.advance(as_of)
        standing = rules.known_at(connection, as_of)
    models = Models.untrained() if system is None else system.models
    index = None
    if catalogue.height:
        index = make_index(settings.index, encoded.shape[1], catalogue.height, settings.device)
        index.add(catalogue["id"].to_list(), models.space.apply(encoded))
    return FeedEngine(
        state=state,
        vectors=align_vectors(state, catalogue, encoded, models.space),
        models=models,
        index=index,
        lookups=stored_lookups(database),
        limits=feed_limits(settings),
        rules=RuleBook.of(standing, state, catalogue),
    )
