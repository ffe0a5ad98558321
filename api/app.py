"""The HTTP application. Its lifespan loads state and models once."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from limits import RateLimitItem

from api.application.context import Application
from api.application.letters.unsubscribe_tokens import open_unsubscribe_tokens
from api.application.reader_tokens import open_reader_tokens
from api.console import console_routers as console
from api.console.sign_in_routes import sign_in_limit
from api.gorse import routers as gorse
from api.gorse.feedback_kinds import Kinds, kinds_of
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
from api.http.security.rate_limit import RateLimiter, limit_of, limiter_of
from api.http.security.window_limit import WindowLimiter
from api.http.shard_forwarding import ShardPeers, peer_addresses
from api.http.tracing import TracingMiddleware, provider_of
from ingest.pseudonyms import Pseudonyms
from recsys.cpu_threads import cpu_threads
from recsys.encoder.lazy import LazyEncoder
from recsys.encoder.protocols import ModelEncoder
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings, load_settings
from recsys.store.database import open_database

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

OpenEncoder = Callable[[Settings], AbstractContextManager[ModelEncoder]]

_ROUTERS = (
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
)


@contextmanager
def encoding_here(settings: Settings) -> Iterator[ModelEncoder]:
    """Yield an encoder that works in this process."""
    yield LazyEncoder(settings)


@dataclass(frozen=True, slots=True)
class _Checked:
    """Settings, and what was made of those that can be wrong. traces: None without a collector."""

    settings: Settings
    rates: RateLimiter
    reader_limit: RateLimitItem | None
    kinds: Kinds
    traces: "TracerProvider | None"

    @classmethod
    def of(cls, settings: Settings) -> "_Checked":
        """Check the settings.

        Raises:
            ConfigError: one is not valid.
        """
        rates, kinds = limiter_of(settings), kinds_of(settings.gorse_feedback)
        reader_limit = limit_of("ATTUNE_RATE_LIMIT", settings.rate_limit)
        peer_addresses(settings)  # a wrong one ends the start
        return cls(settings, rates, reader_limit, kinds, provider_of(settings.otlp_endpoint))


def create_app(settings: Settings | None = None, open_encoder: OpenEncoder = encoding_here) -> FastAPI:
    """Return the service for the database and bundle in `settings`; `open_encoder` opens the encoder of articles.

    Raises:
        ConfigError: settings are not valid.
    """
    checked = _Checked.of(settings or load_settings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_encoder(checked.settings) as encoder:
            async with _serving(app, checked, encoder):
                yield

    app = FastAPIOffline(
        title="Attune",
        version=version("attune-feed"),
        summary="A personalized news feed that respects its readers' attention.",
        lifespan=lifespan,
    )
    problems.install(app)
    shard_forwarding.install(app)
    openapi.describe(app)
    app.add_middleware(BodyLimitMiddleware, most=checked.settings.max_body_bytes)
    cors.allow(app, checked.settings.cors_origins)
    app.add_middleware(RequestLogMiddleware)
    if checked.traces is not None:
        app.add_middleware(TracingMiddleware, provider=checked.traces)  # the last one added is the outermost
    for router in _ROUTERS:
        app.include_router(router)
    return app


@asynccontextmanager
async def _serving(app: FastAPI, checked: _Checked, encoder: ModelEncoder) -> AsyncIterator[None]:
    """Run the feed service, with the state of `app` that its routes use."""
    settings = checked.settings
    database = open_database(settings.database_url)
    database.set_query_timeout(settings.database_patience)
    service = FeedService(database, settings, encoder)
    _set_state(app, checked, service)
    try:
        app.state.tokens = open_reader_tokens(app.state.application)
        app.state.unsubscribe_tokens = open_unsubscribe_tokens(app.state.application)
        with cpu_threads(settings.threads):
            service.start()
            async with app.state.keys.saving_uses(), checked.rates.connected(), app.state.peers.connected():
                yield
            service.stop()
    finally:
        database.close()
        if checked.traces is not None:
            checked.traces.shutdown()


def _set_state(app: FastAPI, checked: _Checked, service: FeedService) -> None:
    """Set what routes use, except tokens: their secrets are read from the database."""
    settings, state = checked.settings, app.state
    state.application = Application.of(service)
    state.metrics = metrics = registry_of(service.calibration_stats)
    metrics.register(ServiceCollector(service))
    state.latency = request_latency(metrics)
    state.settings, state.kinds, state.rates = settings, checked.kinds, checked.rates
    state.pseudonyms = Pseudonyms(settings.pseudonym_secret)
    state.keys = KeyRing(service.database)
    state.page_keys, state.reader_rates = PageKeys(metrics), WindowLimiter(checked.reader_limit)
    state.sign_ins = sign_in_limit()
    state.collect = collect_state(settings, metrics)
    state.peers = ShardPeers(settings, metrics)
