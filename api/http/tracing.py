"""OpenTelemetry span for every request, if `ATTUNE_OTLP_ENDPOINT` names a collector.

A span contains method, route template and status, but never a path or a query, which may name readers. It
continues the trace that the caller sends (`traceparent`).
"""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter


class TracingMiddleware:
    """Middleware around all others, so that a span covers the whole request."""

    def __init__(self, app: ASGIApp, provider: "TracerProvider") -> None:
        self._app = app
        self._tracer = provider.get_tracer("attune")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode

        parent, method = extract(Headers(scope=scope)), scope["method"]
        with self._tracer.start_as_current_span(method, parent, SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)

            async def report(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, report)
            route = getattr(scope.get("route"), "path_format", None)
            if route is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)


def provider_of(endpoint: str | None) -> "TracerProvider | None":
    """Return a provider that sends spans in batches to the collector at `endpoint` (OTLP over HTTP), if any.

    Raises:
        ConfigError: OpenTelemetry is not installed.
    """
    if endpoint is None:
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigError("ATTUNE_OTLP_ENDPOINT needs OpenTelemetry: pip install 'attune-feed[otel]'") from error
    provider = TracerProvider(resource=Resource.create({"service.name": "attune"}))
    provider.add_span_processor(BatchSpanProcessor(_exporter(endpoint)))
    return provider


def _exporter(endpoint: str) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint)
