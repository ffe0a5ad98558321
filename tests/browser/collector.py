"""A service that serves the real tracker and records all that arrives at /v1/collect."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response

from api.http.routes import static_routes
from tests.live import listening

PATIENCE = 10.0

Sent = dict[str, Any]


@dataclass
class Collector:
    """Requests as they came. `statuses`: of the next answers, 204 after them; `stores`: False is an outage."""

    address: str
    site_key: str
    requests: list[Sent] = field(default_factory=list)
    erasures: list[Sent] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    origins: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    stores: bool = True

    @property
    def silent(self) -> bool:
        """True if nothing but the tracker itself was requested."""
        return not (self.requests or self.erasures or self.others)

    def raw(self) -> list[Sent]:
        """All events in the order of arrival, repetitions included."""
        return [event for request in self.requests for event in request["events"]]

    def events(self, kind: str | None = None) -> list[Sent]:
        """Events as a service stores them: one for each id, of which the largest value wins."""
        kept: dict[str, Sent] = {}
        for event in self.raw():
            known = kept.setdefault(event["id"], event)
            if event.get("value", 0) > known.get("value", 0):
                kept[event["id"]] = event
        return [event for event in kept.values() if kind in (None, event["kind"])]

    def reads(self) -> list[tuple[str, float]]:
        """Article and seconds of each reading."""
        return [(event["article"], event["value"]) for event in self.events("read")]

    def wait(self, fulfilled: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait until something has arrived."""
        deadline = time.monotonic() + seconds
        while not fulfilled():
            assert time.monotonic() < deadline, f"it did not arrive; only {self.raw()}"
            time.sleep(0.02)


@contextmanager
def collecting() -> Iterator[Callable[[], Collector]]:
    """Give each test a collector with a site key of its own: late requests of other tests go to theirs."""
    collectors: list[Collector] = []
    app = FastAPI()
    app.include_router(static_routes.router)

    def answer(collector: Collector) -> Response:
        status = collector.statuses.pop(0) if collector.statuses else 204
        return Response(status_code=status, headers={"Access-Control-Allow-Origin": "*"})

    async def read(request: Request) -> tuple[Collector, Sent]:
        body = await request.body()
        assert request.headers["content-type"].startswith("text/plain")
        sent: Sent = json.loads(body)
        return next(each for each in collectors if each.site_key == sent["site_key"]), sent

    @app.post("/v1/collect")
    async def collect(request: Request) -> Response:
        collector, sent = await read(request)
        if collector.stores:
            collector.requests.append(sent)
            collector.origins.append(request.headers.get("origin"))
        return answer(collector)

    @app.post("/v1/collect/erase")
    async def erase(request: Request) -> Response:
        collector, sent = await read(request)
        collector.erasures.append(sent)
        return answer(collector)

    @app.api_route("/{path:path}", methods=["GET", "OPTIONS", "PUT", "DELETE", "PATCH"])
    async def other(path: str, request: Request) -> Response:
        collectors[-1].others.append(f"{request.method} /{path}")
        return Response(status_code=404)

    with listening(app) as address:

        def new() -> Collector:
            collectors.append(Collector(address, f"site-{len(collectors)}"))
            return collectors[-1]

        yield new
