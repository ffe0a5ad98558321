"""The HTTP application. Its lifespan loads state and models once."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.application.context import Application
from api.application.letters.unsubscribe_tokens import open_unsubscribe_tokens
from api.application.reader_tokens import open_reader_tokens
from api.console import console_routers as console
from api.console.sign_in_routes import sign_in_limit
from api.gorse import routers as gorse
from api.gorse.feedback_kinds import kinds_of
from api.http import cors, openapi, problems, shard_forwarding
from api.http.body_limit import BodyLimitMiddleware
from api.http.collect_state import collect_state
from api.http.prometheus_metrics import ServiceCollector, registry_of, request_latency
from api.http.request_middleware import RequestLogMiddleware
from api.http.routes import (
    article_routes,
    collect_routes,
    event_routes,
    feed_routes,
    health_routes,
    metrics_routes,
    model_routes,
    page_routes,
    reader_routes,
    rule_routes,
    static_routes,
    token_routes,
    unsubscribe_routes,
)
from api.http.security.keyring import KeyRing
from api.http.security.page_keys import PageKeys
from api.http.security.rate_limit import limit_of, limiter_of
from api.http.security.window_limit import WindowLimiter
from api.http.shard_forwarding import ShardPeers, peer_addresses
from api.http.tracing import TracingMiddleware, provider_of
from ingest.pseudonyms import Pseudonyms
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import ModelEncoder
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings, load_settings
from recsys.store.database import open_database
from recsys.threads import threads

OpenEncoder = Callable[[Settings], AbstractContextManager[ModelEncoder]]


@contextmanager
def encoding_here(settings: Settings) -> Iterator[ModelEncoder]:
    """Yield an encoder that works in this process."""
    yield LazyEncoder(settings)


def create_app(settings: Settings | None = None, open_encoder: OpenEncoder = encoding_here) -> FastAPI:
    """Return the service for the database and bundle in `settings`; `open_encoder` opens the encoder of articles.

    Raises:
        ConfigError: settings are not valid.
    """
    chosen = settings or load_settings()
    rates, kinds = limiter_of(chosen), kinds_of(chosen.gorse_feedback)
    reader_limit = limit_of("ATTUNE_RATE_LIMIT", chosen.rate_limit)
    peer_addresses(chosen)  # a wrong one ends the start
    traces = provider_of(chosen.otlp_endpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_encoder(chosen) as encoder:
            async with _serving(app, encoder):
                yield

    @asynccontextmanager
    async def _serving(app: FastAPI, encoder: ModelEncoder) -> AsyncIterator[None]:
        database = open_database(chosen.database_url)
        database.set_query_timeout(chosen.database_patience)
        service = FeedService(database, chosen, encoder)
        app.state.application = Application.of(service)
        app.state.metrics = registry_of(service.calibration_stats)
        app.state.metrics.register(ServiceCollector(service))
        app.state.latency = request_latency(app.state.metrics)
        app.state.kinds, app.state.pseudonyms = kinds, Pseudonyms(chosen.pseudonym_secret)
        app.state.settings, app.state.keys, app.state.rates = chosen, KeyRing(database), rates
        app.state.page_keys, app.state.reader_rates = PageKeys(app.state.metrics), WindowLimiter(reader_limit)
        app.state.sign_ins = sign_in_limit()
        app.state.collect = collect_state(chosen, app.state.metrics)
        app.state.peers = peers = ShardPeers(chosen, app.state.metrics)
        try:
            app.state.tokens = open_reader_tokens(app.state.application)
            app.state.unsubscribe_tokens = open_unsubscribe_tokens(app.state.application)
            with threads(chosen.threads):
                service.start()
                async with app.state.keys.saving_uses(), rates.connected(), peers.connected():
                    yield
                service.stop()
        finally:
            database.close()
            if traces is not None:
                traces.shutdown()

    app = FastAPIOffline(
        title="Attune",
        version=version("attune-feed"),
        summary="A personalized news feed that respects its readers' attention.",
        lifespan=lifespan,
    )
    problems.install(app)
    shard_forwarding.install(app)
    openapi.describe(app)
    app.add_middleware(BodyLimitMiddleware, most=chosen.max_body_bytes)
    cors.allow(app, chosen.cors_origins)
    app.add_middleware(RequestLogMiddleware)
    if traces is not None:
        app.add_middleware(TracingMiddleware, provider=traces)  # the last one added is the outermost
    for routes in (
        feed_routes.router,
        feed_routes.own,
        collect_routes.router,
        token_routes.router,
        event_routes.router,
        article_routes.read,
        article_routes.write,
        reader_routes.read,
        reader_routes.write,
        reader_routes.admin,
        model_routes.router,
        rule_routes.router,
        health_routes.router,
        metrics_routes.router,
        static_routes.router,
        page_routes.router,
        unsubscribe_routes.router,
        *console.ROUTERS,
        *gorse.ROUTERS,
    ):
        app.include_router(routes)
    return app
