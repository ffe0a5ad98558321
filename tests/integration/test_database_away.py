"""PostgreSQL goes away and comes back: feeds go on from memory, writes wait, and nobody has to do anything."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application import key_admin
from api.application.iso_time import from_iso
from api.application.scopes import Scope
from benchmarks.tcp_proxy import Cable
from recsys.domain import FeedRequest
from recsys.feed.point_in_time import engine_at
from recsys.store import articles, event_log
from recsys.store.database import Database, opened
from recsys.store.tables import events, impressions
from tests.application import application
from tests.trained import HashEncoder, Place, place, world

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

WITHIN = 30.0
PATIENCE = 1.0
READER = "r00001"


@pytest.fixture
def cable(postgres_admin_url: str) -> Iterator[Cable]:
    url = sa.make_url(postgres_admin_url)
    if not url.host or not url.port:
        pytest.skip("this PostgreSQL listens on no TCP port, so it cannot be cut off")
    made = Cable(url.host, url.port)
    yield made
    made.cut()


@pytest.fixture
def where(cable: Cable, database: Database, tmp_path: Path) -> Place:
    """The small world, reached through the cable."""
    with database.write() as connection:
        articles.upsert(connection, world().articles)
        event_log.append_frames(connection, world().events, world().slates)
    through = sa.make_url(database.url).set(host="127.0.0.1", port=cable.port)
    made = place(tmp_path, url=through.render_as_string(hide_password=False))
    return Place(made.settings.model_copy(update={"database_patience": PATIENCE}))


@pytest.fixture
def client(where: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
    with TestClient(create_app(where.settings), raise_server_exceptions=False) as served:
        until(lambda: served.get("/readyz").json().get("status") == "ready")
        yield served


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def feed(client: TestClient, reader: str = READER, **requested: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/feed/{reader}", params={"limit": 5, **requested})
    assert answer.status_code == 200, answer.text
    reported: dict[str, Any] = answer.json()
    assert (answer.headers.get("X-Attune-Degraded") == "true") == reported["degraded"]
    return reported


def click(client: TestClient, article: str, **more: str) -> httpx.Response:
    event = {"id": f"click-{article}", "reader": READER, "article": article, "kind": "click", **more}
    return client.post("/v1/events", json={"events": [event]})


def stored(database: Database, ids: list[str]) -> list[Any]:
    query = sa.select(impressions).where(impressions.c.id.in_(ids)).order_by(impressions.c.seq)
    with database.read() as connection:
        return list(connection.execute(query))


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def back(client: TestClient) -> bool:
    return client.get("/readyz").json()["status"] == "ready"


def test_feeds_go_on_and_what_was_shown_comes_to_the_log_once(
    cable: Cable, client: TestClient, database: Database, where: Place
) -> None:
    before = feed(client)
    assert not before["degraded"]
    cable.cut()
    shown = [feed(client, explore=0.3) for _ in range(3)]
    assert all(answer["degraded"] and answer["cursor"] is None for answer in shown)
    assert all(item["article"]["title"] for answer in shown for item in answer["items"])
    refused = click(client, ids_of(before)[0])
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["content-type"] == "application/problem+json"
    assert client.get("/readyz").json()["status"] == "degraded"
    assert "attune_degraded 1.0" in client.get("/metrics").text
    assert stored(database, [answer["request_id"] for answer in shown]) == []
    cable.mend()
    until(lambda: back(client))
    rows = stored(database, [answer["request_id"] for answer in shown])
    assert [row.id for row in rows] == [answer["request_id"] for answer in shown], "in the order they were shown"
    for row, answer in zip(rows, shown, strict=True):
        assert row.at == from_iso(answer["as_of"])
        assert row.known_at > from_iso(shown[-1]["as_of"])
    after = feed(client)
    assert not after["degraded"]
    assert list((where.home / "spool").glob("*")) == []
    confirm([*shown, after], database, where)


def confirm(answers: list[dict[str, Any]], database: Database, where: Place) -> None:
    """A replay gives the answers, also those that were made without the database."""
    for answer in answers:
        as_of = from_iso(answer["as_of"])
        engine = engine_at(database, where.settings, HashEncoder(), as_of)
        explore = 0.3 if answer["degraded"] else where.settings.explore
        again = engine.recommend(
            FeedRequest(request_id=answer["request_id"], as_of=as_of, reader=READER, limit=5, explore=explore)
        )
        assert [(item.id, item.score) for item in again.ranking.items] == [
            (item["id"], item["score"]) for item in answer["items"]
        ]


def test_a_click_on_what_was_shown_meanwhile_answers_it(
    cable: Cable, client: TestClient, database: Database
) -> None:
    feed(client)
    cable.cut()
    shown = feed(client)
    cable.mend()
    clicked = ids_of(shown)[0]
    until(lambda: click(client, clicked, request_id=shown["request_id"]).status_code == 200)
    with database.read() as connection:
        known = connection.execute(
            sa.select(events.c.known_at).where(events.c.id == f"click-{clicked}")
        ).scalar_one()
    (slate,) = stored(database, [shown["request_id"]])
    assert slate.known_at < known
    assert clicked not in ids_of(feed(client, limit=100))


def test_articles_clicked_or_muted_before_stay_away(cable: Cable, client: TestClient) -> None:
    clicked = ids_of(feed(client))[0]
    click(client, clicked).raise_for_status()
    topic = world().articles["category"][0]
    client.put(f"/v1/readers/{READER}/preferences", json={"mute": [topic]}).raise_for_status()
    cable.cut()
    answer = feed(client, limit=100)
    assert answer["degraded"]
    assert clicked not in ids_of(answer)
    assert topic not in {item["article"]["category"] for item in answer["items"]}


def test_a_silent_database_is_given_up_soon_and_nobody_else_waits(cable: Cable, client: TestClient) -> None:
    feed(client)
    cable.silence()
    began = time.monotonic()
    assert feed(client)["degraded"]
    assert time.monotonic() - began < 10 * PATIENCE
    waited = []
    for _ in range(5):
        began = time.monotonic()
        assert feed(client)["degraded"]
        assert click(client, "a").status_code == 503
        waited.append(time.monotonic() - began)
    assert sorted(waited)[2] < PATIENCE, "most do not pay for finding out"
    cable.speak()
    until(lambda: back(client))
    assert not feed(client)["degraded"]


def test_ranking_lists_and_gorse_go_on_and_pages_wait(cable: Cable, client: TestClient) -> None:
    cursor = feed(client)["cursor"]
    cable.cut()
    ranked = client.post("/v1/rank", json={"reader": READER, "candidates": ["a000001", "a000002"]})
    assert ranked.json()["degraded"] is True
    assert len(ranked.json()["items"]) == 2
    assert len(client.get(f"/api/recommend/{READER}").json()) == 10
    assert client.get("/api/latest").headers["X-Attune-Degraded"] == "true"
    assert client.get(f"/v1/feed/{READER}", params={"cursor": cursor}).status_code == 503
    cable.mend()
    until(lambda: back(client))
    assert feed(client, cursor=cursor)["items"]


def test_known_keys_hold_and_unknown_ones_do_not(cable: Cable, client: TestClient, where: Place) -> None:
    with opened(where.settings.database_url) as other:
        token, _ = key_admin.create_key(application(other), Scope.READ, "", "cli")
    holder = {"Authorization": f"Bearer {token}"}
    until(lambda: client.get(f"/v1/feed/{READER}").status_code == 401)
    cable.cut()
    assert client.get(f"/v1/feed/{READER}", headers=holder).json()["degraded"]
    assert client.get(f"/v1/feed/{READER}").status_code == 401
    assert client.get(f"/v1/feed/{READER}", headers={"X-API-Key": token[:-1]}).status_code == 401


def test_slates_in_the_spool_of_a_killed_process_are_stored_at_the_next_start(
    cable: Cable, where: Place, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
    with TestClient(create_app(where.settings)) as first:
        feed(first)
        cable.cut()
        shown = feed(first)
    assert len(list((where.home / "spool").glob("*.jsonl"))) == 1
    cable.mend()
    with TestClient(create_app(where.settings)) as second:
        assert [row.id for row in stored(database, [shown["request_id"]])] == [shown["request_id"]]
        assert not feed(second)["degraded"]
    assert list((where.home / "spool").glob("*")) == []
