"""Spans of OpenTelemetry: one a request, on with the caller's trace, and naming no reader."""

import builtins
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.http import tracing
from recsys.errors import ConfigError
from tests.unit.api.conftest import MakeClient

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    kept = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_exporter", lambda endpoint: kept)
    return kept


def test_a_request_is_a_span_that_names_its_route_and_no_reader(
    serve: MakeClient, spans: InMemorySpanExporter
) -> None:
    client = serve(otlp_endpoint="http://127.0.0.1:4318/v1/traces")
    client.get("/v1/feed/anna", params={"page": "anna"})
    client.post("/v1/rank", json={"nonsense": "anna"})
    client.get("/nowhere/anna")
    client.__exit__()
    found = spans.get_finished_spans()
    assert [(span.name, dict(span.attributes or {})) for span in found] == [
        (
            "GET /v1/feed/{reader}",
            {
                "http.request.method": "GET",
                "http.response.status_code": 200,
                "http.route": "/v1/feed/{reader}",
            },
        ),
        (
            "POST /v1/rank",
            {"http.request.method": "POST", "http.response.status_code": 422, "http.route": "/v1/rank"},
        ),
        ("GET", {"http.request.method": "GET", "http.response.status_code": 404}),
    ]
    assert "anna" not in "".join(span.to_json() for span in found)


def test_a_span_goes_on_with_the_callers_trace(serve: MakeClient, spans: InMemorySpanExporter) -> None:
    client = serve(otlp_endpoint="http://127.0.0.1:4318/v1/traces")
    client.get("/healthz", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    client.__exit__()
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None


def test_without_a_collector_nothing_is_traced() -> None:
    assert tracing.provider_of(None) is None


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *more: Any) -> Any:
        if name.startswith("opentelemetry.sdk"):
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"attune-feed\[otel\]"):
        tracing.provider_of("http://127.0.0.1:4318")
