"""One reader over HTTP: attention, preferences, export, erasure."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.application.iso_time import from_iso
from api.application.scopes import Scope
from recsys.errors import StoreError
from recsys.feed.point_in_time import engine_at
from recsys.insight.reader_profile import attention_profile
from recsys.store.database import opened
from tests.trained import HashEncoder, Place
from tests.unit.api.conftest import MakeClient, bearer
from tests.unit.api.test_routes import wait_for

ENTITIES = {0: ["Ada Lovelace", "London"], 2: ["London"], 4: ["ada lovelace"]}
ROWS = [
    {
        "id": f"a{i}",
        "title": f"Title {i}",
        "category": ("sport", "local")[i % 2],
        "source": "S",
        "entities": ENTITIES.get(i, []),
        "word_count": 400,
    }
    for i in range(6)
]


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    """A service with three articles of sport and three local ones."""
    started = serve()
    started.post("/v1/articles", json={"articles": ROWS}).raise_for_status()
    wait_for(started, len(ROWS))
    return started


def read(client: TestClient, reader: str, *articles: str) -> None:
    events = [{"reader": reader, "article": a, "kind": "read", "value": 60} for a in articles]
    client.post("/v1/events", json={"events": events}).raise_for_status()


def prefer(client: TestClient, reader: str = "r", **stated: list[str]) -> Any:
    return client.put(f"/v1/readers/{reader}/preferences", json=stated)


def shown(client: TestClient, reader: str = "r") -> set[str]:
    return {item["id"] for item in client.get(f"/v1/feed/{reader}").json()["items"]}


def test_attention_has_topics_sources_and_reads_with_weights_that_sum_to_one(client: TestClient) -> None:
    read(client, "r", "a0", "a2", "a1")
    reported = client.get("/v1/readers/r/attention").json()
    assert (reported["reader"], reported["model"]) == ("r", "starting")
    assert [each["name"] for each in reported["categories"]] == ["sport", "local"]
    assert [each["name"] for each in reported["sources"]] == ["S"]
    for part in ("categories", "sources", "reads"):
        assert sum(each["weight"] for each in reported[part]) == pytest.approx(1)
        weights = [each["weight"] for each in reported[part]]
        assert weights == sorted(weights, reverse=True)
    first = next(each for each in reported["reads"] if each["article"] == "a0")
    assert (first["title"], first["category"], first["seconds"]) == ("Title 0", "sport", 60)
    assert first["at"].startswith("20")


def test_an_entity_has_the_weight_of_all_reads_that_name_it_and_can_be_muted(client: TestClient) -> None:
    read(client, "r", "a0", "a2")
    weights = {each["article"]: each["weight"] for each in client.get("/v1/readers/r/attention").json()["reads"]}
    reported = client.get("/v1/readers/r/attention").json()["entities"]
    assert [each["name"] for each in reported] == ["London", "Ada Lovelace"]
    assert [each["weight"] for each in reported] == pytest.approx([1, weights["a0"]])
    assert "a4" in shown(client)
    assert prefer(client, mute=["Ada Lovelace"]).json()["warnings"] == []
    assert "a4" not in shown(client)


def test_a_reading_in_parts_is_one_reading_live_and_in_replay(client: TestClient, where: Place) -> None:
    click = {"reader": "r", "article": "a0", "kind": "click"}
    client.post("/v1/events", json={"events": [click]}).raise_for_status()
    for number in range(6):
        event = {"id": f"beat{number}", "reader": "r", "article": "a0", "kind": "read", "value": 10}
        client.post("/v1/events", json={"events": [event]}).raise_for_status()
    profile = client.get("/v1/readers/r/attention").json()
    assert [(each["article"], each["seconds"]) for each in profile["reads"]] == [("a0", 60)]
    as_of = from_iso(profile["as_of"])
    with opened(where.settings.database_url) as database:
        replayed = attention_profile(engine_at(database, where.settings, HashEncoder(), as_of), "r", as_of)
    assert [each["seconds"] for each in replayed["reads"]] == [60]


def test_a_reader_never_met_attends_to_nothing_yet(client: TestClient) -> None:
    reported = client.get("/v1/readers/nobody/attention").json()
    assert reported["categories"] == reported["sources"] == reported["entities"] == reported["reads"] == []
    assert reported["preferences"] == {"follow": [], "focus": [], "mute": [], "warnings": []}


def test_muted_topics_leave_the_feed_and_come_back(client: TestClient) -> None:
    assert len(shown(client)) == 6
    assert prefer(client, mute=[" Sport"]).json()["warnings"] == []
    assert shown(client) == {"a1", "a3", "a5"}
    assert len(shown(client, "another")) == 6
    prefer(client, mute=["S"])
    assert shown(client) == set()
    prefer(client)
    assert len(shown(client)) == 6


def test_preferences_are_replaced_and_logged_once(client: TestClient) -> None:
    stated = {"follow": ["local"], "focus": ["economy"], "mute": ["sport", "gossip"]}
    first = prefer(client, **stated).json()
    unknown = ["no stored article has the topic, source, author or entity 'economy', 'gossip'"]
    assert first == {"follow": ["local"], "focus": ["economy"], "mute": ["gossip", "sport"], "warnings": unknown}
    rows = client.get("/v1/readers/r/export").json()["tables"]["events"]
    assert len(rows) == 4
    assert prefer(client, **stated).json() == first
    assert client.get("/v1/readers/r/export").json()["tables"]["events"] == rows, "saying it again adds nothing"
    assert prefer(client, follow=["local"]).json() == {
        "follow": ["local"],
        "focus": [],
        "mute": [],
        "warnings": [],
    }
    assert client.get("/v1/readers/r/attention").json()["preferences"]["follow"] == ["local"]


@pytest.mark.parametrize(
    "stated",
    [
        {"follow": ["a"], "mute": ["a"]},
        {"mute": [""]},
        {"mute": ["  "]},
        {"mute": ["x" * 129]},
        {"mute": ["a\0"]},
        {"mute": ["a"] * 201},
        {"like": ["a"]},
        {"mute": "a"},
    ],
)
def test_preferences_that_cannot_be_are_refused(client: TestClient, stated: dict[str, Any]) -> None:
    assert prefer(client, **stated).status_code == 422
    assert not client.get("/v1/readers/r/export").json()["tables"]["events"]


def test_an_export_has_the_log_and_the_rejects(client: TestClient, tmp_path: Path) -> None:
    read(client, "r", "a0")
    read(client, "other", "a0")
    folder = tmp_path / "rejects" / "job"
    folder.mkdir(parents=True)
    raws = [json.dumps({"reader": who, "kind": "no"}) for who in ("r", "other")]
    (folder / "0.jsonl").write_text("".join(json.dumps({"raw": raw}) + "\n" for raw in raws))
    reported = client.get("/v1/readers/r/export").json()
    assert (reported["reader"], len(reported["tables"]["events"]), len(reported["rejected"])) == ("r", 1, 1)
    assert "other" not in json.dumps(reported)


def test_an_erasure_gives_a_receipt_that_can_be_checked_with_a_shell(client: TestClient) -> None:
    read(client, "r", "a0", "a1")
    reported = client.delete("/v1/readers/r").json()
    assert {name for name, count in reported["counts"].items() if count} == {"events", "readers"}
    assert reported["counts"]["events"] == 2
    assert reported["reader_hash"] == hashlib.sha256(f"{reported['salt']}:r".encode()).hexdigest()
    assert "r" not in [client.get("/v1/readers/r/export").json()["tables"]["readers"]]
    assert len(shown(client)) == 6, "the reader is a new one"


def test_readers_with_odd_ids_are_reached(client: TestClient) -> None:
    for path, reader in (("a%2Fb", "a/b"), ("x/attention", "x/attention"), ("%20r%0A", "r"), ("%C3%A9", "é")):
        read(client, reader, "a0")
        assert client.get(f"/v1/readers/{path}/export").json()["reader"] == reader
        assert client.delete(f"/v1/readers/{path}").json()["counts"]["events"] == 1
    assert client.delete("/v1/readers/").status_code == 422
    assert client.get("/v1/readers/" + "r" * 513 + "/attention").status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "attention", Scope.READ),
        ("PUT", "preferences", Scope.WRITE),
        ("GET", "export", Scope.ADMIN),
        ("DELETE", "", Scope.ADMIN),
    ],
)
def test_each_act_needs_its_scope(
    serve: MakeClient, new_key: Callable[..., str], method: str, path: str, needed: Scope
) -> None:
    tokens = {scope: new_key(scope) for scope in Scope}
    client = serve()
    for scope, token in tokens.items():
        body = {"json": {}} if method == "PUT" else {}
        answer = client.request(method, f"/v1/readers/r/{path}".rstrip("/"), headers=bearer(token), **body)
        assert answer.status_code == (200 if scope.allows(needed) else 403), scope


def test_followed_topics_have_their_share_of_the_feed_and_are_its_reason(client: TestClient) -> None:
    read(client, "r", "a0", "a2")  # sport
    assert prefer(client, focus=["local"]).status_code == 200
    items = client.get("/v1/feed/r", params={"explore": 0}).json()["items"]
    assert [item["article"]["category"] for item in items].index("local") <= 1
    reported = {item["article"]["category"]: {reason["text"] for reason in item["reasons"]} for item in items}
    assert "You follow local" in reported["local"]
    assert not any("You follow" in text for text in reported["sport"])
    assert prefer(client).status_code == 200
    texts = [r["text"] for item in client.get("/v1/feed/r").json()["items"] for r in item["reasons"]]
    assert "You follow local" not in texts


def test_an_erasure_that_files_do_not_follow_yet_says_to_erase_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise StoreError("cannot use sqlite:////srv/attune.db")

    read(client, "r", "a0")
    monkeypatch.setattr("api.application.reader_data.purge_deleted_rows", fail)
    answer = client.delete("/v1/readers/r")
    assert (answer.status_code, "srv" in answer.text) == (503, False)
    assert "erase the reader again" in answer.json()["detail"]


def test_a_pause_stores_no_slate_and_no_read_and_hides_still_act(client: TestClient) -> None:
    read(client, "r", "a0")
    before = client.get("/v1/readers/r/attention").json()
    assert client.put("/v1/readers/r/learning", json={"paused": True}).json() == {"paused": True}
    slate = client.get("/v1/feed/r").json()
    rows = [
        {"reader": "r", "article": "a1", "kind": "click", "request_id": slate["request_id"]},
        {"reader": "r", "article": "a2", "kind": "hide"},
    ]
    answer = client.post("/v1/events", json={"events": rows}).json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    assert [(each["index"], each["reason"]) for each in answer["rejected"]] == [(0, "reader: has paused learning")]
    during = client.get("/v1/readers/r/attention").json()
    assert during["learning_paused"] and not before["learning_paused"]
    assert [each["article"] for each in during["reads"]] == ["a0"]
    tables = client.get("/v1/readers/r/export").json()["tables"]
    assert not tables["impressions"]
    assert {each["kind"] for each in tables["events"]} == {"read", "hide"}
    assert "a2" not in shown(client)
    assert "a1" in shown(client)


def test_after_a_pause_reads_count_again(client: TestClient) -> None:
    for paused in (True, False):
        client.put("/v1/readers/r/learning", json={"paused": paused}).raise_for_status()
    read(client, "r", "a0")
    assert [each["article"] for each in client.get("/v1/readers/r/attention").json()["reads"]] == ["a0"]
    assert client.put("/v1/readers/r/learning", json={"paused": "perhaps"}).status_code == 422


def test_a_paused_reader_turns_pages(serve: MakeClient) -> None:
    client = serve()
    articles = [{"id": f"p{number}", "title": f"Title {number}"} for number in range(12)]
    client.post("/v1/articles", json={"articles": articles}).raise_for_status()
    wait_for(client, len(articles))
    client.put("/v1/readers/r/learning", json={"paused": True}).raise_for_status()
    first = client.get("/v1/feed/r?limit=6").json()
    second = client.get(f"/v1/feed/r?cursor={first['cursor']}").json()
    ids = [item["id"] for item in (*first["items"], *second["items"])]
    assert len(set(ids)) == len(ids) == len(articles)
