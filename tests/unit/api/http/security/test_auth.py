"""Access at every route."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.application import key_admin
from api.application.scopes import Scope
from recsys.store.database import opened
from tests.application import application
from tests.trained import Place
from tests.unit.api.conftest import MakeClient, bearer

WITHIN = 30.0
NEEDED = {
    ("GET", "/v1/feed/r"): Scope.READ,
    ("POST", "/v1/rank"): Scope.READ,
    ("GET", "/metrics"): Scope.READ,
    ("POST", "/v1/events"): Scope.WRITE,
    ("POST", "/v1/articles"): Scope.WRITE,
}
OPEN = (
    *("/api/health/live", "/api/health/ready", "/healthz", "/readyz"),
    *("/docs", "/openapi.json", "/redoc", "/docs/oauth2-redirect"),
)


def until(answer: Callable[[], httpx.Response], status: int) -> None:
    deadline = time.monotonic() + WITHIN
    while (last := answer().status_code) != status:
        assert time.monotonic() < deadline, last
        time.sleep(0.05)


def described(client: TestClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation."""
    paths = client.get("/openapi.json").json()["paths"]
    return [(m.upper(), path, reported) for path, each in paths.items() for m, reported in each.items()]


def test_before_the_first_key_everything_is_open(serve: MakeClient) -> None:
    client = serve()
    assert client.get("/v1/feed/r").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_a_key_made_elsewhere_closes_the_service_and_opens_it_for_its_owner(
    serve: MakeClient, new_key: Callable[..., str]
) -> None:
    client = serve()
    assert client.get("/v1/feed/r").status_code == 200
    token = new_key(Scope.READ)
    until(lambda: client.get("/v1/feed/r"), 401)
    assert client.get("/v1/feed/r", headers=bearer(token)).status_code == 200


def test_a_key_revoked_elsewhere_is_of_no_more_use(
    serve: MakeClient, new_key: Callable[..., str], where: Place
) -> None:
    token = new_key(Scope.READ)
    client = serve()
    assert client.get("/v1/feed/r", headers=bearer(token)).status_code == 200
    with opened(where.settings.database_url) as database:
        key_admin.revoke_key(application(database), token.split("_")[1], "cli")
    until(lambda: client.get("/v1/feed/r", headers=bearer(token)), 401)


@pytest.mark.parametrize(("method", "path"), NEEDED)
@pytest.mark.parametrize("scope", Scope)
def test_a_route_answers_its_scope_and_admin_only(
    serve: MakeClient, new_key: Callable[..., str], method: str, path: str, scope: Scope
) -> None:
    client = serve()
    answer = client.request(method, path, headers=bearer(new_key(scope)))
    if scope.allows(NEEDED[method, path]):
        assert answer.status_code in (200, 422)
    else:
        assert answer.status_code == 403
        assert f'scope="{NEEDED[method, path]}"' in answer.headers["www-authenticate"]


def test_no_route_but_the_open_ones_answers_without_a_key(serve: MakeClient, new_key: Callable[..., str]) -> None:
    new_key(Scope.ADMIN)
    client = serve()
    requested = 0
    for method, path, _ in described(client):
        if path not in OPEN:
            assert client.request(method, path).status_code == 401, path
            requested += 1
    assert requested >= len(NEEDED)
    assert client.get("/healthz").status_code == 200
    until(lambda: client.get("/readyz"), 200)


def test_every_refusal_of_a_key_reads_the_same(
    serve: MakeClient, new_key: Callable[..., str], where: Place
) -> None:
    token, revoked = new_key(Scope.ADMIN), new_key(Scope.ADMIN)
    with opened(where.settings.database_url) as database:
        key_admin.revoke_key(application(database), revoked.split("_")[1], "cli")
    client = serve()
    wrong = [revoked, token[:-1] + ("A" if token[-1] != "A" else "B"), "att_" + "0" * 12 + "_" + "x" * 43, "x"]
    answers = [client.get("/v1/feed/r", headers=bearer(each)) for each in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {
        'Bearer realm="attune", error="invalid_token"'
    }
    nothing = client.get("/v1/feed/r")
    assert nothing.headers["www-authenticate"] == 'Bearer realm="attune"'
    assert nothing.headers["content-type"] == "application/problem+json"
    assert nothing.text == answers[0].text


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "bearer  ", "Bearer a b", "é", ""])
def test_other_authorization_headers_are_no_key(
    serve: MakeClient, new_key: Callable[..., str], header: str
) -> None:
    new_key(Scope.READ)
    answer = serve().get("/v1/feed/r", headers={"Authorization": header.encode()})
    assert answer.status_code == 401


def test_strangers_get_no_body_read(serve: MakeClient, new_key: Callable[..., str]) -> None:
    new_key(Scope.READ)
    answer = serve().post("/v1/events", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 401, "not 422: what a stranger sends is not parsed"


def test_metrics_can_be_left_open(serve: MakeClient, new_key: Callable[..., str]) -> None:
    new_key(Scope.READ)
    assert serve(metrics_open=True).get("/metrics").status_code == 200


def test_an_address_that_others_reach_is_closed_also_before_the_first_key(serve: MakeClient) -> None:
    assert serve("http://192.0.2.1").get("/v1/feed/r").status_code == 401
    for own in ("http://127.0.0.1", "http://[::1]"):
        assert serve(own).get("/v1/feed/r").status_code == 200


def test_a_key_that_calls_too_often_gets_a_time_to_retry(serve: MakeClient, new_key: Callable[..., str]) -> None:
    token, other = new_key(Scope.READ), new_key(Scope.READ)
    client = serve(rate_limit="2/hour")
    answers = [client.get("/v1/feed/r", headers=bearer(token)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 3_600
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert client.get("/v1/feed/r", headers=bearer(other)).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_the_description_has_keys_and_refusals(serve: MakeClient) -> None:
    for _, path, reported in described(serve()):
        if path.startswith("/v1/collect"):  # its key is in the body
            assert reported["responses"].keys() >= {"401", "403", "413", "422", "429", "503"}, path
        elif path.startswith("/v1"):
            assert reported["security"][0]["HTTPBearer"][0] in list(Scope), path
            assert reported["responses"].keys() >= {"401", "403", "413", "422", "429", "503"}, path
        for status, response in reported["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_every_route_under_v1_is_gated(serve: MakeClient) -> None:
    routers = [each.original_router for each in serve().app.routes if hasattr(each, "original_router")]  # type: ignore[attr-defined]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > len(NEEDED)
    for route in routes:
        if route.path.startswith("/v1"):
            assert type(route).__name__ == "Secured"
