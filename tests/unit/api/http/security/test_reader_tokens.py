"""A reader token allows what is about its own reader, and nothing else, at every route of the application."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.application import key_admin
from api.application.reader_tokens import ReaderTokens
from api.application.scopes import Scope
from tests.unit.api.conftest import MakeClient, bearer

SECRET = "0123456789abcdef" * 4
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["alg", "typ", "crit", "b64", "kid", "sub", "aud", "iat", "exp", "nbf"]), inner
        )
    ),
)
OWN, OTHER = "own reader ä", "other"
OF_OWN = {
    ("GET", "/v1/feed"),
    ("GET", "/v1/feed/{reader:id}"),
    ("GET", "/v1/readers/{reader:id}/attention"),
    ("PUT", "/v1/readers/{reader:id}/preferences"),
    ("PUT", "/v1/readers/{reader:id}/learning"),
    ("GET", "/v1/readers/{reader:id}/export"),
    ("DELETE", "/v1/readers/{reader:id}"),
    ("GET", "/embed/feed"),
}
"""All that a reader token allows. A route that is added to these must be about one reader only."""
OPEN = ("/healthz", "/readyz", "/api/health/live", "/api/health/ready")
PUBLIC = ("/static/attune.json", "/static/{name}", "/", "/attention", "/read", "/unsubscribe")
"""Browser code, and pages that have nothing about a reader once keys exist."""
IN_BODY = ("/v1/collect", "/v1/collect/erase")
"""Routes whose credentials are in the body: in a header they are none."""


def token_of(reader: str, secret: str = SECRET, **claims: Any) -> str:
    now = int(time.time())
    reported = {"sub": reader, "aud": "attune-reader", "iat": now, "exp": now + 60, **claims}
    return jwt.encode({name: value for name, value in reported.items() if value is not None}, secret, "HS256")


def routes(client: TestClient) -> Iterator[tuple[str, str]]:
    """Method and path template of every route, also of those that are not described."""
    routers = [each.original_router for each in client.app.routes if hasattr(each, "original_router")]  # type: ignore[attr-defined]
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in sorted(route.methods))


def path_for(template: str, reader: str) -> str:
    named = re.sub(r"\{(reader|user)(:id)?\}", reader, template)
    return re.sub(r"\{[a-z]+(:id)?\}", "x", named)


def needed(client: TestClient) -> dict[tuple[str, str], Scope]:
    """Scope that each described route needs."""
    found = {("GET", "/metrics"): Scope.READ, ("GET", "/embed/feed"): Scope.READ}
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, reported in operations.items():
            for scheme in reported.get("security", ()):
                found[method.upper(), path] = Scope(next(iter(scheme.values()))[0])
    return found


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    return serve(token_secret=SecretStr(SECRET))


def test_every_route_answers_each_credential_as_it_should(client: TestClient, new_key: Callable[..., str]) -> None:
    keys = {scope: new_key(scope) for scope in Scope}
    scopes = needed(client)
    wrong = {
        "nothing": {},
        "another secret": bearer(token_of(OWN, "x" * 64)),
        "expired": bearer(token_of(OWN, iat=int(time.time()) - 9, exp=int(time.time()) - 1)),
    }
    seen = set()
    for method, template in routes(client):
        described = re.sub(r":id\}", "}", template)
        scope = scopes.get((method, described)) or scopes.get((method, described.rstrip("/")))
        for reader in (OWN, OTHER):
            case = f"{method} {template} of {reader}"
            body = {"paused": False} if template.endswith("/learning") else {}

            def status(headers: dict[str, str]) -> int:
                path = path_for(template, reader)  # noqa: B023 - called before the loop goes on
                return client.request(method, path, headers=headers, json=body).status_code  # noqa: B023

            if template.startswith("/static/"):
                assert status({}) in (200, 404), case
                continue
            if template in OPEN:
                assert status({}) in (200, 503), case
                continue
            if template.startswith("/console"):  # a session opens it, no header: see tests/unit/api/console
                headers_of_all = ({}, bearer(token_of(OWN)), *(bearer(key) for key in keys.values()))
                assert len({status(headers) for headers in headers_of_all}) == 1, case
                continue
            if template in PUBLIC:
                credentials = ({}, bearer(token_of(OWN)), bearer(keys[Scope.ADMIN]))
                assert len({status(headers) for headers in credentials} - {401, 503}) == 1, case
                continue
            for name, headers in wrong.items():
                assert status(headers) == 401, (case, name)
            if template in IN_BODY:
                assert status(bearer(token_of(OWN))) == status(bearer(keys[Scope.ADMIN])) == 401, case
                continue
            assert scope is not None, f"{case} is not secured"
            for own, key in keys.items():
                if own is not Scope.ADMIN:  # admin last: it may erase and activate
                    assert (status(bearer(key)) == 403) is not own.allows(scope), (case, own)
            allowed = (method, template) in OF_OWN and (reader == OWN or "{reader" not in template)
            assert (status(bearer(token_of(OWN))) == 403) is not allowed, case
            assert status(bearer(token_of(OWN))) != 401, case
            assert status(bearer(keys[Scope.ADMIN])) not in (401, 403), case
            seen.add((method, template))
    assert seen >= OF_OWN
    assert len(seen) > 40


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": ["attune-reader", "other"]},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": " r"},
        {"sub": "r\0"},
        {"sub": "r" * 513},
        {"sub": 7},
        {"access": "some"},
        {"access": ["free"]},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": "now"},
        {"exp": int(time.time()) + 10**6},
        {"iat": int(time.time()) + 10**5, "exp": int(time.time()) + 10**5 + 60},
    ],
    ids=lambda claims: ",".join(f"{name} {type(value).__name__}" for name, value in claims.items()),
)
def test_a_token_with_other_claims_is_refused(client: TestClient, claims: dict[str, Any]) -> None:
    reported = {
        "aud": "attune-reader",
        "sub": "r",
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
        **claims,
    }
    payload = {name: value for name, value in reported.items() if value is not None}
    token = jwt.api_jws.encode(json.dumps(payload).encode(), SECRET, "HS256")
    answer = client.get("/v1/feed", headers=bearer(token))
    assert (answer.status_code, answer.json()["title"]) == (401, "The reader token is not valid")


@given(header=JSON, payload=JSON, signature=st.binary(max_size=40), tail=st.text(max_size=3))
def test_whatever_stands_in_a_token_it_is_only_wrong(
    header: object, payload: object, signature: bytes, tail: str
) -> None:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    unsigned = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + tail
    assert ReaderTokens(SECRET).reader_of(unsigned) is None
    signed = jwt.api_jws.encode(parts[1], SECRET, "HS256")
    assert ReaderTokens(SECRET).reader_of(signed) is None


@pytest.mark.parametrize("part", ["[" * 3_000, '{"a":' * 3_000, "\ud800", "9" * 5_000])
def test_texts_that_no_parser_takes_are_wrong_tokens(part: str) -> None:
    encoded = base64.urlsafe_b64encode(part.encode(errors="replace")).decode()
    for token in (f"{encoded}.{encoded}.{encoded}", f"{part}.{part}.{part}"):
        assert ReaderTokens(SECRET).reader_of(token) is None


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_a_token_signed_otherwise_is_refused(client: TestClient, algorithm: str) -> None:
    claims = {"aud": "attune-reader", "sub": "r", "iat": int(time.time()), "exp": int(time.time()) + 60}
    token = jwt.encode(claims, None if algorithm == "none" else SECRET, algorithm)
    assert client.get("/v1/feed", headers=bearer(token)).status_code == 401


def test_a_minted_token_is_of_its_reader_until_it_expires(serve: MakeClient, new_key: Callable[..., str]) -> None:
    client, write = serve(), bearer(new_key(Scope.WRITE))
    lasting, short = (
        client.post("/v1/reader-tokens", json={"reader": "r42", "seconds": seconds}, headers=write).json()
        for seconds in (60, 1)
    )
    assert lasting.keys() == {"token", "expires_at"}
    own = bearer(lasting["token"])
    feed = client.get("/v1/feed", headers=own)
    assert (feed.status_code, feed.json()["reader"]) == (200, "r42")
    assert client.get("/v1/feed?reader=r42&reader=r43", headers=own).status_code == 403
    time.sleep(1.1)
    assert client.get("/v1/feed", headers=bearer(short["token"])).status_code == 401


def test_a_token_of_a_reader_without_a_subscription_shows_no_paid_articles(
    serve: MakeClient, new_key: Callable[..., str]
) -> None:
    client, write = serve(), bearer(new_key(Scope.WRITE))
    rows = [
        {"id": id_, "title": f"Title of {id_}", "access": access, "published_at": "2026-01-01T00:00:00Z"}
        for id_, access in (("open", "Free"), ("closed", "Premium "), ("unsaid", None))
    ]
    # another article of the same story, for subscribers
    rows.append({**rows[0], "id": "copy", "access": "metered"})
    client.post("/v1/articles", json={"articles": rows}, headers=write).raise_for_status()

    def shown(path: str, **token: Any) -> set[str]:
        minted = client.post("/v1/reader-tokens", json={"reader": "r42", **token}, headers=write).json()["token"]
        text = client.get(path, headers=bearer(minted), params={"explore": 0} if "/v1/" in path else {}).text
        return {id_ for id_ in ("open", "closed", "unsaid") if f"Title of {id_}" in text}

    deadline = time.monotonic() + 60
    while len(shown("/v1/feed")) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    full, free = (
        bearer(client.post("/v1/reader-tokens", json={"reader": "r42", **more}, headers=write).json()["token"])
        for more in ({}, {"access": "free"})
    )
    stories = client.get("/v1/feed", headers=full).json()["items"]
    assert [item["also_in"] for item in stories if item["id"] in ("open", "copy")] != [[]]
    assert all(item["also_in"] == [] for item in client.get("/v1/feed", headers=free).json()["items"])
    cursor = client.get("/v1/feed", headers=full, params={"limit": 1, "explore": 0}).json()["cursor"]
    for path in (f"/v1/feed?cursor={cursor}", f"/embed/feed?cursor={cursor}"):
        assert "Title of closed" not in client.get(path, headers=free).text, path
    for path in ("/v1/feed", "/v1/feed/r42", "/v1/feed/r42?access=all", "/embed/feed"):
        assert shown(path, access="free") == {"open", "unsaid"}, path
        assert shown(path, access="all") == shown(path) == {"open", "closed", "unsaid"}, path


@pytest.mark.parametrize(
    "body",
    [
        {"reader": "r", "seconds": 0},
        {"reader": "r", "seconds": 86_401},
        {"reader": "ä" * 300},
        {"reader": "r", "access": "x"},
    ],
)
def test_tokens_for_nobody_or_for_too_long_are_not_minted(
    client: TestClient, new_key: Callable[..., str], body: dict[str, Any]
) -> None:
    answer = client.post("/v1/reader-tokens", json=body, headers=bearer(new_key(Scope.WRITE)))
    assert answer.status_code == 422


def test_a_read_key_mints_no_token(client: TestClient, new_key: Callable[..., str]) -> None:
    answer = client.post("/v1/reader-tokens", json={"reader": "r"}, headers=bearer(new_key(Scope.READ)))
    assert answer.status_code == 403


def test_all_processes_of_a_database_accept_a_token(serve: MakeClient, new_key: Callable[..., str]) -> None:
    write = bearer(new_key(Scope.WRITE))
    token = serve().post("/v1/reader-tokens", json={"reader": "r"}, headers=write).json()["token"]
    assert serve().get("/v1/feed", headers=bearer(token)).status_code == 200


def test_a_token_changes_and_erases_nothing_of_another_reader(
    client: TestClient, new_key: Callable[..., str]
) -> None:
    admin, own = bearer(new_key(Scope.ADMIN)), bearer(token_of(OWN))
    rows = [{"reader": each, "article": "a", "kind": "click", "id": each} for each in (OWN, OTHER)]
    client.post("/v1/events", json={"events": rows}, headers=admin).raise_for_status()
    before = client.get(f"/v1/readers/{OTHER}/export", headers=admin).json()["tables"]
    for method, path, body in (
        ("PUT", f"/v1/readers/{OTHER}/preferences", {"mute": ["sport"]}),
        ("DELETE", f"/v1/readers/{OTHER}", None),
        ("POST", "/v1/rank", {"reader": OTHER, "candidates": ["a"]}),
        ("POST", "/v1/events", {"events": rows}),
    ):
        assert client.request(method, path, json=body, headers=own).status_code == 403
    assert client.get(f"/v1/readers/{OTHER}/export", headers=admin).json()["tables"] == before
    assert client.delete(f"/v1/readers/{OWN}", headers=own).json()["counts"]["events"] == 1
    app = client.app.state.application  # type: ignore[attr-defined]
    assert key_admin.list_audit(app, 1)[0].actor == "reader"


def test_the_cursor_of_another_reader_is_unknown(client: TestClient, new_key: Callable[..., str]) -> None:
    admin = bearer(new_key(Scope.ADMIN))
    rows = [{"id": f"a{i}", "title": f"Title {i}"} for i in range(3)]
    client.post("/v1/articles", json={"articles": rows}, headers=admin).raise_for_status()
    deadline = time.monotonic() + 30
    while (cursor := client.get(f"/v1/feed/{OTHER}?limit=1", headers=admin).json()["cursor"]) is None:
        assert time.monotonic() < deadline
    assert client.get(f"/v1/feed?cursor={cursor}", headers=bearer(token_of(OWN))).status_code == 422
    assert client.get(f"/v1/feed/{OTHER}?cursor={cursor}", headers=bearer(token_of(OTHER))).status_code == 200


def test_a_feed_without_a_reader_is_refused_with_a_fix(client: TestClient, new_key: Callable[..., str]) -> None:
    read = bearer(new_key(Scope.READ))
    assert "?reader=" in client.get("/v1/feed", headers=read).json()["detail"]
    assert client.get("/v1/feed?reader=r", headers=read).json()["reader"] == "r"


def test_a_wrong_token_is_refused_also_before_the_first_key(client: TestClient) -> None:
    assert client.get("/v1/feed/r", headers=bearer(token_of("r", "x" * 64))).status_code == 401
    assert client.get("/v1/feed/other", headers=bearer(token_of("r"))).status_code == 403


def test_requests_of_a_token_are_limited_for_each_reader(serve: MakeClient, new_key: Callable[..., str]) -> None:
    client = serve(rate_limit="2/hour", token_secret=SecretStr(SECRET))
    new_key(Scope.READ)
    statuses = [client.get("/v1/feed", headers=bearer(token_of("r"))).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get("/v1/feed", headers=bearer(token_of("s"))).status_code == 200
