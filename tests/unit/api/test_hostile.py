"""Whatever is sent, the answer is one of the API's own, and nobody is let in who should not be."""

import json
import string
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.scopes import Scope
from ingest.field_values import trimmed
from recsys.store.database import opened
from tests.application import application
from tests.trained import HashEncoder, place
from tests.unit.api.conftest import bearer

EXPECTED = {200, 307, 400, 401, 403, 404, 405, 413, 422}
LIMIT = 4_096

often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)
anything = st.text(max_size=600)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
awkward = "%/;\\?#&=+@: \u00e9\u202e"
segment = st.text(st.sampled_from(string.ascii_letters + string.digits + awkward), max_size=60)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A service with keys, and the headers of an administrator."""
    where = place(tmp_path_factory.mktemp("hostile"))
    with opened(where.settings.database_url) as database:
        token, _ = key_admin.create_key(application(database), Scope.ADMIN, "", "cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
        app = create_app(where.settings.model_copy(update={"max_body_bytes": LIMIT}))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client, bearer(token)


Doors = tuple[TestClient, dict[str, str]]


def sound(answer: Any) -> None:
    assert answer.status_code in EXPECTED, (answer.status_code, answer.text)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@given(path=segment, method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]))
@often
def test_any_path_and_method(doors: Doors, path: str, method: str) -> None:
    client, admin = doors
    answer = client.request(method, f"/v1/{path}", headers=admin)
    if method != "HEAD":
        sound(answer)
    without = client.request(method, f"/v1/{path}")
    assert without.status_code in {401, 404, 405, 307}


@given(reader=anything)
@example(reader="%01")
@often
def test_any_reader(doors: Doors, reader: str) -> None:
    client, admin = doors
    encoded = "".join(f"%{byte:02X}" for byte in reader.encode("utf-8", "surrogatepass"))
    encoded = encoded.replace("%25", "%2525")  # the test client decodes a path twice, a server once
    answer = client.get(f"/v1/feed/{encoded}", headers=admin)
    sound(answer)
    if answer.status_code == 200:
        assert answer.json()["reader"] == trimmed(reader)


@given(
    what=st.sampled_from(
        [
            ("GET", "/v1/readers/{}/attention"),
            ("GET", "/v1/readers/{}/export"),
            ("DELETE", "/v1/readers/{}"),
            ("GET", "/v1/articles/{}"),
            ("GET", "/v1/articles/{}/similar"),
            ("DELETE", "/v1/articles/{}"),
            ("POST", "/v1/models/{}/activate"),
        ]
    ),
    id_=anything,
)
@often
def test_any_id_in_any_place(doors: Doors, what: tuple[str, str], id_: str) -> None:
    client, admin = doors
    method, path = what
    encoded = "".join(f"%{byte:02X}" for byte in id_.encode("utf-8", "surrogatepass"))
    sound(client.request(method, path.format(encoded), headers=admin))
    assert client.request(method, path.format(encoded)).status_code in (401, 404, 405)


@given(body=json_value | st.dictionaries(st.sampled_from(["follow", "focus", "mute"]), st.lists(anything)))
@often
def test_any_preferences(doors: Doors, body: Any) -> None:
    client, admin = doors
    content = json.dumps(body).encode()
    headers = {**admin, "content-type": "application/json"}
    sound(client.put("/v1/readers/r/preferences", content=content, headers=headers))


@given(header=latin)
@often
def test_any_authorization_header(doors: Doors, header: str) -> None:
    client, _ = doors
    for value in (header, f"Bearer {header}", f"bearer att_{header}"):
        answer = client.get("/v1/feed/r", headers={"Authorization": value.encode("latin-1")})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


@given(name=st.text(st.sampled_from(string.ascii_letters + "-"), min_size=1, max_size=20), value=latin)
@often
def test_any_header(doors: Doors, name: str, value: str) -> None:
    client, admin = doors
    if name.lower() not in ("authorization", "content-length", "transfer-encoding", "connection", "host"):
        sound(client.get("/v1/feed/r", headers={**admin, name: value.encode("latin-1")}))


@given(
    path=st.sampled_from(["/v1/events", "/v1/articles", "/v1/rank"]),
    body=st.binary(max_size=2 * LIMIT) | st.integers(0, 2).map(lambda n: b" " * (LIMIT + n)),
    kind=st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", ""]),
    declared=st.booleans(),
)
@often
def test_any_body(doors: Doors, path: str, body: bytes, kind: str, declared: bool) -> None:
    client, admin = doors
    content = body if declared else iter([body])
    answer = client.post(path, content=content, headers={**admin, "content-type": kind})
    sound(answer)
    assert (answer.status_code == 413) == (len(body) > LIMIT)


@given(path=st.sampled_from(["events", "articles"]), rows=st.lists(json_value, max_size=5))
@often
def test_any_rows(doors: Doors, path: str, rows: list[Any]) -> None:
    client, admin = doors
    body = json.dumps({path: rows}).encode()
    answer = client.post(f"/v1/{path}", content=body, headers={**admin, "content-type": "application/json"})
    sound(answer)
    if answer.status_code == 200:
        reported = answer.json()
        assert reported["accepted"] + reported["duplicates"] + len(reported["rejected"]) == len(rows)


@given(query=st.dictionaries(st.sampled_from(["limit", "category", "exclude", "explore", "device"]), anything))
@often
def test_any_query(doors: Doors, query: dict[str, str]) -> None:
    client, admin = doors
    try:
        answer = client.get("/v1/feed/r", params=query, headers=admin)
    except UnicodeEncodeError:  # the client cannot send it
        return
    sound(answer)
