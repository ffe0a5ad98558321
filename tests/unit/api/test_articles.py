"""Articles over HTTP: one, similar ones, deletion, and lists."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.application.iso_time import from_iso
from api.application.scopes import Scope
from recsys.domain import RankRequest
from recsys.feed.non_personalized import ListQuery, latest
from recsys.feed.point_in_time import engine_at
from recsys.store.database import opened
from tests.trained import HashEncoder, Place
from tests.unit.api.conftest import MakeClient, bearer
from tests.unit.api.test_routes import wait_for

ROWS: list[dict[str, Any]] = [
    {
        "id": f"a{i}",
        "title": f"{('sport', 'local')[i % 2]} number {i}",
        "category": ("sport", "local")[i % 2],
        "body": f"Body {i}",
        "published_at": f"2024-01-0{i + 1}T00:00:00Z",
    }
    for i in range(6)
]


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    started = serve()
    started.post("/v1/articles", json={"articles": ROWS}).raise_for_status()
    wait_for(started, len(ROWS))
    return started


def ids(answer: Any) -> list[str]:
    answer.raise_for_status()
    return [item["id"] for item in answer.json()["items"]]


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_an_article_is_returned_whole(client: TestClient) -> None:
    reported = client.get("/v1/articles/a1").json()
    assert reported["id"] == "a1"
    assert (reported["title"], reported["body"], reported["entities"]) == ("local number 1", "Body 1", [])
    assert reported["published_at"] == "2024-01-02T00:00:00.000000+00:00"


def test_an_image_is_in_lists_and_an_expiry_in_the_article(client: TestClient) -> None:
    image = "https://example.org/a1.jpg"
    row = {**ROWS[5], "image_url": image, "expires_at": "2999-01-01T00:00:00Z"}
    client.post("/v1/articles", json={"articles": [row]}).raise_for_status()
    reported = client.get("/v1/articles/a5").json()
    assert (reported["image_url"], reported["expires_at"]) == (image, "2999-01-01T00:00:00.000000+00:00")
    for path in ("/v1/latest", "/v1/trending", "/v1/articles/a3/similar"):
        items = {item["id"]: item["article"] for item in client.get(path).json()["items"]}
        assert items["a5"]["image_url"] == image
        assert "expires_at" not in items["a5"]
    until(lambda: image in {item["article"]["image_url"] for item in client.get("/v1/feed/r").json()["items"]})


def test_an_expired_article_leaves_feeds_within_a_second_and_can_be_ranked(client: TestClient) -> None:
    client.post("/v1/articles", json={"articles": [{**ROWS[5], "expires_at": "2024-03-01"}]}).raise_for_status()
    until(lambda: "a5" not in ids(client.get("/v1/latest")))
    assert "a5" not in ids(client.get("/v1/feed/r"))
    assert "a5" in ids(client.post("/v1/rank", json={"reader": "r", "candidates": ["a5", "a1"]}))
    client.post("/v1/articles", json={"articles": [ROWS[5]]}).raise_for_status()
    until(lambda: "a5" in ids(client.get("/v1/latest")))


def test_minutes_follow_from_the_body_if_no_word_count_is_given(client: TestClient) -> None:
    row = {"id": "long", "title": "A long story", "body": "word " * 3_000, "published_at": "2024-01-09"}
    client.post("/v1/articles", json={"articles": [row]}).raise_for_status()
    until(lambda: "long" in ids(client.get("/v1/latest")))
    items = {item["id"]: item for item in client.get("/v1/feed/r").json()["items"]}
    assert items["long"]["minutes"] == pytest.approx(3_000 / 238, rel=0.01)


def test_an_unchanged_article_is_not_sent_again_and_a_changed_one_is(client: TestClient) -> None:
    tag = client.get("/v1/articles/a1").headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = client.get("/v1/articles/a1", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert answer.headers["cache-control"] == "private, no-cache"
    client.post("/v1/articles", json={"articles": [{**ROWS[1], "title": "New"}]}).raise_for_status()
    answer = client.get("/v1/articles/a1", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["title"]) == (200, "New")


@pytest.mark.parametrize("path", ["/v1/articles/none", "/v1/articles/none/similar"])
def test_an_unknown_article_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert client.delete("/v1/articles/none").status_code == 404
    assert client.post("/v1/articles/none/restore").status_code == 404


def test_the_newest_come_first(client: TestClient) -> None:
    assert ids(client.get("/v1/latest")) == ["a5", "a4", "a3", "a2", "a1", "a0"]
    assert ids(client.get("/v1/latest", params={"limit": 2})) == ["a5", "a4"]
    assert ids(client.get("/v1/latest", params={"category": "sport"})) == ["a4", "a2", "a0"]
    assert ids(client.get("/v1/latest", params={"category": "none"})) == []


def test_a_story_under_several_ids_is_one_place_over_http_and_for_gorse(client: TestClient) -> None:
    url = "https://www.example.org/sport/final"
    variants = (url, f"{url}?utm_source=feed", "https://amp.example.org/sport/final", f"{url}/amp")
    story = {"title": "sport: the long night of the final", "category": "sport", "published_at": "2024-01-09"}
    rows = [{**story, "id": f"s{i}", "url": each} for i, each in enumerate(variants)]
    rows.append({**story, "id": "s4", "title": "SPORT – the long night of the final!"})
    client.post("/v1/articles", json={"articles": rows}).raise_for_status()
    until(lambda: len(ids(client.get("/v1/latest"))) == len(ids(client.get("/v1/articles/a0/similar"))) + 1 == 7)
    lists = [ids(client.get(f"/v1/{path}")) for path in ("latest", "trending", "articles/a0/similar", "feed/r")]
    for path in ("latest", "popular", "item/a0/neighbors"):
        answer = client.get(f"/api/{path}", params={"n": 20}).json()
        lists += [[each["Id"] for each in answer]]
    lists.append(client.get("/api/recommend/g", params={"n": 20}).json())
    for found in lists:
        assert len([id_ for id_ in found if id_.startswith("s")]) == 1
    (shown,) = [item for item in client.get("/v1/feed/r").json()["items"] if item["id"].startswith("s")]
    assert shown["story"] in {f"s{i}" for i in range(5)}
    assert {shown["id"], *(also["id"] for also in shown["also_in"])} == {f"s{i}" for i in range(5)}
    assert {also["url"] for also in shown["also_in"]} <= {*variants, None}
    click = {"reader": "r", "article": "s2", "kind": "click"}
    client.post("/v1/events", json={"events": [click]}).raise_for_status()
    assert not [id_ for id_ in ids(client.get("/v1/feed/r")) if id_.startswith("s")]
    ranked = client.post("/v1/rank", json={"reader": "r", "candidates": ["s0", "s1", "s2"]})
    assert sorted(ids(ranked)) == ["s0", "s1", "s2"]


def test_clicked_articles_trend(client: TestClient) -> None:
    clicks = [{"reader": f"r{i}", "article": a, "kind": "click"} for i, a in enumerate(["a2", "a3", "a3"])]
    client.post("/v1/events", json={"events": clicks}).raise_for_status()
    assert ids(client.get("/v1/trending"))[:2] == ["a3", "a2"]
    assert ids(client.get("/v1/trending", params={"category": "sport", "limit": 1})) == ["a2"]


def test_similar_articles_are_near_and_never_the_article(client: TestClient) -> None:
    found = ids(client.get("/v1/articles/a0/similar"))
    assert set(found[:2]) == {"a2", "a4"}, "the first word decides, to the encoder of the tests"
    assert "a0" not in found
    assert len(found) == 5
    assert set(ids(client.get("/v1/articles/a0/similar", params={"category": "local"}))) == {"a1", "a3", "a5"}
    assert ids(client.get("/v1/articles/a0/similar", params={"limit": 1})) == found[:1]


@pytest.mark.parametrize("path", ["/v1/latest", "/v1/trending", "/v1/articles/a0/similar"])
def test_lists_are_bounded(client: TestClient, path: str) -> None:
    for limit in (0, 101, "x"):
        assert client.get(path, params={"limit": limit}).status_code == 422


def test_lists_of_an_empty_service_are_empty(serve: MakeClient) -> None:
    client = serve()
    assert ids(client.get("/v1/latest")) == ids(client.get("/v1/trending")) == []


def test_a_deleted_article_leaves_everything_in_every_process_until_it_is_restored(
    client: TestClient, serve: MakeClient
) -> None:
    other = serve()
    wait_for(other, len(ROWS))
    client.post("/v1/events", json={"events": [{"reader": "r", "article": "a0", "kind": "click"}]})
    assert client.delete("/v1/articles/a0").status_code == 204
    assert client.delete("/v1/articles/a0").status_code == 404
    for each in (client, other):
        until(lambda each=each: "a0" not in ids(each.get("/v1/latest")))
        until(lambda each=each: "a0" not in ids(each.get("/v1/articles/a2/similar")))
        assert "a0" not in ids(each.get("/v1/trending"))
        until(lambda each=each: "a0" not in ids(each.get("/v1/feed/new")))
    rows = [{**ROWS[0], "title": "sport again"}, {**ROWS[0], "id": "news", "published_at": "2024-01-09"}]
    client.post("/v1/articles", json={"articles": rows}).raise_for_status()
    for each in (client, other, serve()):
        until(lambda each=each: "news" in ids(each.get("/v1/latest")))
        assert "a0" not in ids(each.get("/v1/latest"))
        assert "a0" not in ids(each.get("/v1/articles/a2/similar"))
        assert "a0" not in ids(each.get("/v1/feed/new"))
        assert each.get("/v1/articles/a0").status_code == 404
    assert client.post("/v1/articles/a0/restore").status_code == 204
    assert client.post("/v1/articles/a0/restore").status_code == 204
    for each in (client, other):
        until(lambda each=each: "a0" in ids(each.get("/v1/latest")))
        until(lambda each=each: "a0" in ids(each.get("/v1/articles/a2/similar")))
        assert each.get("/v1/articles/a0").json()["title"] == "sport again"


def test_after_a_deletion_a_fresh_process_gives_the_same_answers(client: TestClient, where: Place) -> None:
    clicks = [{"reader": "r", "article": a, "kind": "read", "value": 60} for a in ("a0", "a1")]
    client.post("/v1/events", json={"events": clicks}).raise_for_status()
    client.delete("/v1/articles/a0").raise_for_status()
    service = client.app.state.application.feed  # type: ignore[attr-defined]
    until(lambda: "a0" not in service.engine.index.ids())
    answer = service.rank(RankRequest(request_id="q", as_of=0, candidates=("a0", "a2", "a3"), reader="r"))
    with opened(where.settings.database_url) as database:
        engine = engine_at(database, where.settings, HashEncoder(), answer.as_of)
        again = engine.rank(
            RankRequest(request_id="q", as_of=answer.as_of, candidates=("a0", "a2", "a3"), reader="r")
        )
    assert again == answer


def test_an_expiry_is_seen_live_and_in_replay_alike(client: TestClient, where: Place) -> None:
    client.post("/v1/articles", json={"articles": [{**ROWS[5], "expires_at": "2024-03-01"}]}).raise_for_status()
    until(lambda: "a5" not in ids(client.get("/v1/latest")))
    answer = client.get("/v1/latest").json()
    now, expiry = from_iso(answer["as_of"]), from_iso("2024-03-01")
    with opened(where.settings.database_url) as database:
        replayed = engine_at(database, where.settings, HashEncoder(), now)
    assert latest(replayed, ListQuery(now, 20)) == [item["id"] for item in answer["items"]]
    assert "a5" in latest(replayed, ListQuery(expiry - 1, 20))
    assert "a5" not in latest(replayed, ListQuery(expiry, 20))


def test_reading_and_deleting_need_their_scopes(serve: MakeClient, new_key: Callable[..., str]) -> None:
    tokens = {scope: new_key(scope) for scope in Scope}
    client = serve()
    for method, path, needed in (
        ("GET", "/v1/articles/a", Scope.READ),
        ("GET", "/v1/articles/a/similar", Scope.READ),
        ("GET", "/v1/trending", Scope.READ),
        ("GET", "/v1/latest", Scope.READ),
        ("DELETE", "/v1/articles/a", Scope.WRITE),
        ("POST", "/v1/articles/a/restore", Scope.WRITE),
    ):
        for scope, token in tokens.items():
            status = client.request(method, path, headers=bearer(token)).status_code
            assert (status == 403) == (not scope.allows(needed)), (path, scope)
