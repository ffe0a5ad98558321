"""Rules of editors at every door, through restarts and to the second."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from api.application.scopes import Scope
from recsys.domain import MINUTE, FeedRequest
from recsys.store import audit_log, event_log
from recsys.store.database import opened
from tests.trained import HashEncoder, Place, place
from tests.unit.api.conftest import MakeClient, bearer

WITHIN = 30.0
SECTIONS = ("sport", "world", "culture", "money")
PAGE = 8


def papers(count: int = 48) -> list[dict[str, Any]]:
    """Articles a00, a01, …, one an hour, the newest first, sections in turn, a minute each."""
    now = datetime.now(UTC)
    return [
        {
            "id": f"a{i:02}",
            "title": f"Title {i}",
            "abstract": f"who{i} what{i} where{i} when{i}",
            "category": SECTIONS[i % len(SECTIONS)],
            "author": f"Writer {i}, Editor",
            "entities": [f"tag{i}"],
            "source": f"source{i}",
            "published_at": (now - timedelta(hours=i + 1)).isoformat(),
            "word_count": 238,
        }
        for i in range(count)
    ]


def filled(client: TestClient, rows: list[dict[str, Any]]) -> TestClient:
    assert client.post("/v1/articles", json={"articles": rows}).json()["accepted"] == len(rows)
    until(lambda: len(client.get("/v1/latest?limit=100").json()["items"]) >= len(rows))
    return client


def until(what: Callable[[], object], within: float = WITHIN) -> None:
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with 48 articles, for tests that remove their rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda _: HashEncoder())
        settings = place(tmp_path_factory.mktemp("rules")).settings.model_copy(update={"explore": 0.0})
        app = create_app(settings)
        with TestClient(app, raise_server_exceptions=False) as started:
            yield filled(started, papers())


@pytest.fixture
def rule(client: TestClient) -> Iterator[Callable[..., str]]:
    """Adds rules, and removes them after the test."""
    added: list[str] = []

    def add(kind: str, match: dict[str, str], **more: Any) -> str:
        answer = client.post("/v1/rules", json={"kind": kind, "match": match, **more})
        assert answer.status_code == 201, answer.text
        added.append(answer.json()["id"])
        return added[-1]

    yield add
    for id_ in added:
        client.delete(f"/v1/rules/{id_}")


@pytest.mark.parametrize(
    ("match", "stored"),
    [
        ({"article": "a07"}, True),
        ({"article": "A07"}, False),
        ({"section": " Sport"}, True),
        ({"tag": "tag7"}, True),
        ({"text": "what7 where7"}, True),
        ({"text": "what7 where8"}, False),
    ],
)
def test_a_rule_that_matches_no_stored_article_is_added_with_a_warning(
    client: TestClient, match: dict[str, str], stored: bool
) -> None:
    added = client.post("/v1/rules", json={"kind": "boost", "match": match, "value": 1}).json()
    client.delete(f"/v1/rules/{added['id']}").raise_for_status()
    assert bool(added["warnings"]) is not stored


def items(client: TestClient, reader: str, **requested: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/feed/{reader}", params={"limit": PAGE, "explore": 0, **requested})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in found]


@dataclass
class Door:
    """One way to get a page of a feed. before: articles on earlier pages, requested before the rule is added."""

    client: TestClient
    reader: str
    before: int = 0

    def open(self) -> None:
        """Request the pages before."""

    def page(self) -> list[str]:
        raise NotImplementedError


class Feed(Door):
    def page(self) -> list[str]:
        return ids(items(self.client, self.reader))


class SecondPage(Door):
    def open(self) -> None:
        first = self.client.get(f"/v1/feed/{self.reader}", params={"limit": PAGE, "explore": 0}).json()
        self.before, self.cursor = len(first["items"]), first["cursor"]

    def page(self) -> list[str]:
        return ids(items(self.client, self.reader, cursor=self.cursor))


class GorseRecommend(Door):
    def page(self) -> list[str]:
        found: list[str] = self.client.get(f"/api/recommend/{self.reader}", params={"n": PAGE}).json()
        return found


class Widget(Door):
    def page(self) -> list[str]:
        html = self.client.get("/embed/feed", params={"reader": self.reader, "limit": PAGE}).text
        return [f"a{int(number):02}" for number in re.findall(r">Title (\d+)<", html)]


class Minutes(Door):
    def page(self) -> list[str]:
        return ids(items(self.client, self.reader, minutes=PAGE + 0.5))


class Degraded(Door):
    def page(self) -> list[str]:
        circuit = self.client.app.state.application.database.circuit  # type: ignore[attr-defined]
        for attempt in range(1_000):  # a job may close the circuit in between: then for another reader
            circuit.trip("a test")
            answer = self.client.get(
                f"/v1/feed/{self.reader}-{attempt}", params={"limit": PAGE, "explore": 0}
            ).json()
            if answer["degraded"]:
                circuit.reset()
                return ids(answer["items"])
        raise AssertionError("no answer was degraded")


DOORS = (Feed, SecondPage, GorseRecommend, Widget, Minutes, Degraded)
LAST = "a43"
"""An old article of the section money, which no first or second page shows without a rule."""


@pytest.mark.parametrize("kind", ["pin", "boost", "demote", "ban", "breaking", "must_see", "quota"])
@pytest.mark.parametrize("door", DOORS)
def test_every_rule_acts_at_every_door(
    client: TestClient, rule: Callable[..., str], door: type[Door], kind: str
) -> None:
    plain = door(client, f"{door.__name__}-{kind}-without")
    plain.open()
    without = plain.page()
    assert len(without) >= PAGE - 2
    assert LAST not in without
    opened_door = door(client, f"{door.__name__}-{kind}")
    opened_door.open()
    if kind == "pin":
        rule("pin", {"article": LAST}, place=opened_door.before + 2)
        assert opened_door.page()[1] == LAST
    elif kind == "boost":
        rule("boost", {"article": LAST}, value=10)
        assert opened_door.page()[0] == LAST
    elif kind == "demote":
        rule("demote", {"article": without[0]}, value=10)
        assert without[0] not in opened_door.page()
    elif kind == "ban":
        rule("ban", {"article": without[0]})
        assert without[0] not in opened_door.page()
    elif kind == "breaking":
        rule("breaking", {"article": LAST})
        assert LAST in opened_door.page()[:3]
    elif kind == "must_see":
        rule("must_see", {"article": LAST}, value=1)
        assert (LAST in opened_door.page()) == (door is not SecondPage)
    else:
        rule("quota", {"section": "sport"}, value=1)
        found = opened_door.page()
        assert sum(int(id_[1:]) % len(SECTIONS) == 0 for id_ in found) == 1
        assert len(found) >= PAGE - 2


def test_each_item_names_the_rules_that_act_on_it(client: TestClient, rule: Callable[..., str]) -> None:
    pinned = rule("pin", {"article": LAST}, place=3)
    boosted = rule("boost", {"section": "sport"}, value=0.5)
    demoted = rule("demote", {"source": "SOURCE0"}, value=0.25)
    found = items(client, "named")
    assert found[2]["id"] == LAST
    assert found[2]["rules"] == [{"id": pinned, "kind": "pin", "log_odds": None, "place": 3}]
    assert found[2]["propensity"] == 1.0
    for item in found[:2] + found[3:]:
        acting = {each["id"]: each["log_odds"] for each in item["rules"]}
        expected = {boosted: 0.5} if int(item["id"][1:]) % len(SECTIONS) == 0 else {}
        assert acting == (expected | {demoted: -0.25} if item["id"] == "a00" else expected)


@pytest.mark.parametrize(
    ("match", "least"),
    [
        ({"author": "writer 43"}, 1),
        ({"tag": "TAG43"}, 1),
        ({"text": "where43"}, 1),
        ({"source": " source43 "}, 1),
        ({"section": "Money"}, 1),
        ({"author": "Editor"}, 1),
    ],
)
def test_a_rule_matches_by_every_property(
    client: TestClient, rule: Callable[..., str], match: dict[str, str], least: int
) -> None:
    id_ = rule("boost", match, value=10)
    first = items(client, "matched")[0]
    assert [each["id"] for each in first["rules"]] == [id_]


def test_a_banned_article_is_in_no_list(client: TestClient, rule: Callable[..., str]) -> None:
    rule("ban", {"tag": "tag0"})
    for path in ("/v1/latest", "/v1/trending", "/v1/articles/a01/similar", "/api/latest"):
        assert "a00" not in client.get(path).text
    assert client.get("/v1/articles/a00").status_code == 200, "it is still stored"


def test_a_rule_of_a_section_acts_in_feeds_of_that_section_only(
    client: TestClient, rule: Callable[..., str]
) -> None:
    rule("pin", {"article": LAST}, place=1, section="Sport")
    assert items(client, "s", category="sport")[0]["id"] == LAST
    assert items(client, "s", category="world")[0]["id"] != LAST
    assert items(client, "s")[0]["id"] != LAST


def test_a_pin_keeps_its_place_over_pages_and_shows_once(client: TestClient, rule: Callable[..., str]) -> None:
    rule("pin", {"article": "a00"}, place=PAGE + 3)
    seen, cursor = list[str](), None
    for _ in range(3):
        requested = {"limit": PAGE, "explore": 0} | ({} if cursor is None else {"cursor": cursor})
        body = client.get("/v1/feed/paged", params=requested).json()
        seen += ids(body["items"])
        cursor = body["cursor"]
    assert seen.index("a00") == PAGE + 2
    assert len(seen) == len(set(seen)) == 3 * PAGE


def test_a_pin_keeps_its_place_over_offsets_of_gorse(client: TestClient, rule: Callable[..., str]) -> None:
    rule("pin", {"article": LAST}, place=PAGE + 3)
    first = client.get("/api/recommend/offsets", params={"n": PAGE}).json()
    second = client.get("/api/recommend/offsets", params={"n": PAGE, "offset": PAGE}).json()
    assert LAST not in first
    assert second[2] == LAST
    assert not set(first) & set(second)


def act(client: TestClient, reader: str, article: str, kind: str = "click") -> None:
    rows = [{"reader": reader, "article": article, "kind": kind}]
    assert client.post("/v1/events", json={"events": rows}).json()["accepted"] == 1


def test_seen_articles_return_only_if_pinned(client: TestClient, rule: Callable[..., str]) -> None:
    act(client, "saw", LAST)
    for kind, more in (("breaking", {}), ("must_see", {"value": 2}), ("boost", {"value": 10})):
        rule(kind, {"article": LAST}, **more)
    assert LAST not in ids(items(client, "saw", limit=48))
    rule("pin", {"article": LAST}, place=2)
    assert ids(items(client, "saw"))[1] == LAST
    act(client, "saw", LAST, "hide")
    assert LAST not in ids(items(client, "saw", limit=48)), "the reader decides what stays away"


def test_a_must_see_article_is_shown_once(client: TestClient, rule: Callable[..., str]) -> None:
    rule("must_see", {"article": LAST}, value=1)
    assert LAST in ids(items(client, "once"))
    assert LAST not in ids(items(client, "once"))
    assert LAST in ids(items(client, "another"))


def test_a_rule_acts_between_its_times_and_is_listed_until_then(
    client: TestClient, rule: Callable[..., str]
) -> None:
    now = datetime.now(UTC)
    begins, ends = now + timedelta(seconds=0.6), now + timedelta(seconds=1.2)
    id_ = rule("pin", {"article": LAST}, place=1, **{"from": begins.isoformat(), "until": ends.isoformat()})
    changes = []
    while (at := datetime.now(UTC)) < ends + timedelta(seconds=0.3):
        answer = client.get("/v1/feed/timed", params={"limit": 3, "explore": 0, "preview": True}).json()
        acting = datetime.fromisoformat(answer["as_of"])
        assert (answer["items"][0]["id"] == LAST) == (begins <= acting < ends)
        changes.append(at)
    listed = client.get("/v1/rules", params={"ended": 100}).json()["rules"]
    [found] = [each for each in listed if each["id"] == id_]
    assert not found["in_force"]
    assert id_ not in [each["id"] for each in client.get("/v1/rules").json()["rules"]]


def test_a_preview_changes_nothing(client: TestClient, rule: Callable[..., str]) -> None:
    rule("must_see", {"article": LAST}, value=1)
    service = client.app.state.application.service  # type: ignore[attr-defined]

    def log_end() -> int:
        with service.database.read() as connection:
            return event_log.position(connection).last_seq

    def next_feed() -> object:
        request = FeedRequest(request_id="next", as_of=later, reader="peeked", limit=PAGE, explore=0.3)
        return service.engine.recommend(request)

    act(client, "peeked", "a07")
    items(client, "peeked", preview=True)  # folds what other tests logged
    before, readers, later = log_end(), len(service.engine.state.readers), service.clock.next() + MINUTE
    expected = next_feed()
    for requested in ({}, {"explore": 0.5}, {"minutes": 5}):
        assert LAST in ids(items(client, "peeked", preview=True, **requested))
    assert (log_end(), len(service.engine.state.readers)) == (before, readers)
    assert next_feed() == expected


def test_access_leaves_out_what_only_subscribers_may_open(client: TestClient, rule: Callable[..., str]) -> None:
    paid = {**papers()[1], "id": "paid", "title": "For subscribers", "access": "premium"}
    assert client.post("/v1/articles", json={"articles": [paid]}).json()["accepted"] == 1
    rule("pin", {"article": "paid"}, place=1)
    until(lambda: ids(items(client, "subscriber", preview=True))[0] == "paid")
    free = client.get("/v1/feed/visitor", params={"limit": PAGE, "access": "free"}).json()
    second = client.get("/v1/feed/visitor", params={"cursor": free["cursor"], "limit": PAGE}).json()
    assert "paid" not in ids(free["items"]) + ids(second["items"])
    client.delete("/v1/articles/paid")


def test_an_article_under_embargo_waits(client: TestClient, rule: Callable[..., str]) -> None:
    opens = datetime.now(UTC) + timedelta(seconds=1.5)
    late = {**papers()[0], "id": "late", "title": "Budget day", "abstract": "x", "published_at": opens.isoformat()}
    assert client.post("/v1/articles", json={"articles": [late]}).json()["accepted"] == 1
    rule("breaking", {"article": "late"})
    state = client.app.state.application.service.engine.state  # type: ignore[attr-defined]
    until(lambda: state.rows_of(["late"])[0] > 0)
    while datetime.now(UTC) < opens + timedelta(seconds=0.3):
        answer = client.get("/v1/feed/waiting", params={"limit": 3, "preview": True}).json()
        expected = datetime.fromisoformat(answer["as_of"]) > opens
        assert ("late" in ids(answer["items"])) == expected
    client.delete("/v1/articles/late")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"kind": "pin", "match": {"article": "a"}}, "a pin needs a `place`"),
        ({"kind": "pin", "match": {"article": "a"}, "place": 1, "value": 1}, "has no `value`"),
        ({"kind": "boost", "match": {"article": "a"}}, "needs a `value`: a number from 0.01 to 10 (log-odds)"),
        ({"kind": "boost", "match": {"article": "a"}, "value": 11}, "must be a number from 0.01 to 10"),
        ({"kind": "quota", "match": {"section": "a"}, "value": 1.5}, "whole number"),
        ({"kind": "must_see", "match": {"article": "a"}, "value": 1_000}, "(hours)"),
        ({"kind": "ban", "match": {"article": "a"}, "place": 1}, "has no `place`"),
        ({"kind": "ban", "match": {"text": "x"}}, "at least 2 characters"),
        ({"kind": "ban", "match": {"article": "ü" * 300}}, "longer than 512 bytes"),
        ({"kind": "ban", "match": {"article": "  "}}, "is empty"),
        ({"kind": "ban", "match": {"article": "a"}, "until": "2020-01-01"}, "`until` is not later than `from`"),
        (
            {"kind": "ban", "match": {"article": "a"}, "from": "2019-01-01", "until": "2020-01-01"},
            "`until` is in the past",
        ),
        ({"kind": "ban", "match": {"article": "a"}, "until": "soon"}, "`until`: 'soon' is not an ISO 8601 time"),
        ({"kind": "ban", "match": {"article": "a"}, "until": "9000-01-01"}, "before 2069"),
        ({"kind": "lift", "match": {"article": "a"}}, "kind"),
        ({"kind": "ban", "match": {}}, "give one of article, section"),
        ({"kind": "ban", "match": {"article": "a", "tag": "b"}}, "give one of article, section"),
        ({"kind": "ban", "match": {"colour": "red"}}, "colour"),
    ],
)
def test_a_rule_that_is_not_valid_is_refused_with_the_fix(
    client: TestClient, body: dict[str, Any], detail: str
) -> None:
    answer = client.post("/v1/rules", json=body)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_both_forms_of_removal_end_a_rule_once(client: TestClient, rule: Callable[..., str]) -> None:
    first, second = (rule("ban", {"article": "a00"}) for _ in range(2))
    assert client.delete(f"/v1/rules/{first}").status_code == 204
    assert client.delete("/v1/rules", params={"id": second}).status_code == 204
    assert client.delete(f"/v1/rules/{first}").status_code == 404
    assert "a00" in ids(items(client, "freed", limit=48))


def test_rules_need_a_key_of_an_administrator_and_are_audited(
    serve: MakeClient, new_key: Callable[..., str], where: Place
) -> None:
    keys = {scope: new_key(scope) for scope in (Scope.READ, Scope.WRITE, Scope.ADMIN)}
    client = serve()
    ban = {"kind": "ban", "match": {"article": "a1"}}
    for scope in (Scope.READ, Scope.WRITE):
        assert client.post("/v1/rules", json=ban, headers=bearer(keys[scope])).status_code == 403
        assert client.get("/v1/rules", headers=bearer(keys[scope])).status_code == 403
    admin = bearer(keys[Scope.ADMIN])
    added = client.post("/v1/rules", json=ban, headers=admin).json()
    assert added["created_by"] == keys[Scope.ADMIN].split("_")[1]
    assert client.delete(f"/v1/rules/{added['id']}", headers=admin).status_code == 204
    with opened(where.settings.database_url) as database, database.read() as connection:
        acts = [(row.act, row.subject) for row in audit_log.newest(connection, 2)]
    assert acts == [("rule_removed", added["id"]), ("rule_added", added["id"])]


def test_a_reader_token_allows_neither_a_preview_nor_rules(serve: MakeClient, new_key: Callable[..., str]) -> None:
    admin, client = bearer(new_key(Scope.ADMIN)), serve()
    token = client.post("/v1/reader-tokens", json={"reader": "r"}, headers=admin).json()["token"]
    page = bearer(token)
    assert client.get("/v1/feed/r", headers=page).status_code == 200
    assert client.get("/v1/feed/r?preview=true", headers=page).status_code == 403
    assert client.get("/v1/feed?preview=true", headers=page).status_code == 403
    assert client.get("/v1/feed/r", headers=page | {"X-Attune-Preview": "true"}).status_code == 403
    embedded = client.get(f"/embed/feed?token={token}", headers={"X-Attune-Preview": "true"})
    assert embedded.status_code == 403
    assert client.get("/v1/feed/r?preview=true", headers=admin).status_code == 200
    assert client.get("/v1/rules", headers=page).status_code == 403


def test_rules_survive_a_restart_and_reach_other_processes(serve: MakeClient) -> None:
    first = filled(serve(), papers(12))
    second = serve()
    until(lambda: len(items(second, "r", preview=True)) == PAGE)
    added = first.post("/v1/rules", json={"kind": "breaking", "match": {"text": "Title 9"}}).json()
    until(lambda: "a09" in ids(items(second, "r", preview=True, limit=3)), within=2.0)
    third = serve()
    assert "a09" in ids(items(third, "r", preview=True, limit=3))
    second.delete(f"/v1/rules/{added['id']}").raise_for_status()
    until(lambda: "a09" not in ids(items(first, "r", preview=True, limit=3)), within=2.0)


def test_a_rule_acts_on_articles_that_come_or_change_later(client: TestClient, rule: Callable[..., str]) -> None:
    rule("breaking", {"text": "earthquake in"})
    news = {**papers()[0], "id": "quake", "title": "An earthquake", "abstract": None}
    client.post("/v1/articles", json={"articles": [news]})
    state = client.app.state.application.service.engine.state  # type: ignore[attr-defined]
    until(lambda: state.rows_of(["quake"])[0] > 0)
    assert not any(item["rules"] for item in items(client, "n", preview=True))
    client.post("/v1/articles", json={"articles": [news | {"abstract": "Earthquake  in Rome"}]})
    until(lambda: "quake" in ids(items(client, "n", preview=True, limit=3)))
    client.delete("/v1/articles/quake")
