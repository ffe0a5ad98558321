"""Events of pages: site keys, origins, beacons, readers, bots, refused rows, erasure."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.application import key_admin
from api.application.scopes import Scope
from ingest.pseudonyms import Pseudonyms
from recsys.store import event_log_reader
from recsys.store.database import opened
from tests.application import application
from tests.trained import Place
from tests.unit.api.conftest import ORIGIN, MakeClient, bearer
from tests.unit.api.http.security.test_reader_tokens import SECRET, token_of

VISITOR = "0123456789abcdef-_XY"
CLICK = {"id": "e1", "kind": "click", "article": "a", "at": "2024-01-01T00:00:00Z"}
BEACON = {"content-type": "text/plain;charset=UTF-8", "origin": ORIGIN}


class Site:
    """A service, the pages of one origin, and the log behind it."""

    def __init__(self, client: TestClient, key: str, where: Place) -> None:
        self.client, self.key, self._where = client, key, where

    def send(self, *events: Any, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        body = {"site_key": self.key, "events": list(events), **fields}
        return self.client.post("/v1/collect", content=json.dumps(body), headers=BEACON | (headers or {}))

    def log(self) -> list[dict[str, Any]]:
        with opened(self._where.settings.database_url) as database, database.read() as connection:
            chunks = event_log_reader.stream(connection)
            return [row for chunk in chunks for row in chunk.events.rows(named=True)]

    def readers(self) -> dict[str, str]:
        return {row["id"]: row["reader"] for row in self.log()}

    def metric(self, name: str, **labels: str) -> float:
        registry = self.client.app.state.metrics  # type: ignore[attr-defined]
        return float(registry.get_sample_value(name, labels) or 0)

    def rejects(self) -> list[dict[str, Any]]:
        files = sorted((self._where.home / "rejects/collect").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def make_site(serve: MakeClient, new_key: Callable[..., str], where: Place) -> Callable[..., Site]:
    def make(**changes: Any) -> Site:
        key = new_key(Scope.SITE)
        return Site(serve(token_secret=SecretStr(SECRET), **changes), key, where)

    return make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "text/plain", "application/json", ""])
def test_a_page_stores_events_whatever_type_its_body_declares(site: Site, content_type: str) -> None:
    answer = site.send(CLICK, visitor=VISITOR, headers={"content-type": content_type})
    assert (answer.status_code, answer.content) == (204, b"")
    assert site.readers() == {"e1": f"visitor-{VISITOR}"}
    assert site.send(CLICK, visitor=VISITOR).status_code == 204
    assert len(site.log()) == 1
    assert site.metric("attune_collect_events_total", outcome="duplicate") == 1


def test_the_reader_is_of_the_token_never_of_the_event(site: Site) -> None:
    site.send({**CLICK, "reader": "victim"}, token=token_of("r42"), visitor=VISITOR)
    assert site.readers() == {"e1": "r42"}


def test_a_page_without_token_and_visitor_is_a_reader_of_its_own_and_a_retry_counts_once(site: Site) -> None:
    for _ in range(2):
        site.send(CLICK, {**CLICK, "id": "e2"})
    site.send({**CLICK, "id": "e3"})
    readers = site.readers()
    assert readers["e1"] == readers["e2"] != readers["e3"]
    assert all(reader.startswith("visitor-") for reader in readers.values())
    assert len(site.log()) == 3


def test_readers_of_pages_have_the_pseudonyms_of_the_publisher(make_site: Callable[..., Site]) -> None:
    site = make_site(pseudonym_key=SecretStr("a secret of the house"))
    site.send(CLICK, token=token_of("anna@example.org"))
    site.send({**CLICK, "id": "e2"}, visitor=VISITOR)
    hidden = Pseudonyms("a secret of the house")
    assert site.readers() == {"e1": hidden.of("anna@example.org"), "e2": hidden.of(f"visitor-{VISITOR}")}


def test_a_reading_that_goes_on_is_amended(site: Site) -> None:
    for value in (10, 30, 20, 30):
        site.send({**CLICK, "kind": "read", "value": value}, visitor=VISITOR)
    assert sum(row["value"] for row in site.log()) == 30
    site.send({**CLICK, "kind": "read", "value": 99}, visitor="x" * 16)
    assert sum(row["value"] for row in site.log()) == 30
    assert site.metric("attune_collect_refused_total", reason="id: stored already with other content") == 1


@pytest.mark.parametrize("wrong", [timedelta(hours=3), timedelta(days=-400)])
def test_events_of_a_browser_with_a_wrong_clock_have_the_right_times(site: Site, wrong: timedelta) -> None:
    clock = datetime.now(UTC) + wrong
    happened = clock - timedelta(minutes=1)
    site.send({**CLICK, "at": happened.isoformat()}, visitor=VISITOR, sent_at=clock.isoformat())
    site.send({**CLICK, "id": "e2", "at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, visitor=VISITOR)
    first, second = site.log()
    assert first["at"] == pytest.approx((happened - wrong).timestamp() * 1e6, abs=2e6)
    assert second["at"] <= second["known_at"]
    assert site.rejects() == []


@pytest.mark.parametrize("origin", [None, "https://evil.example", "http://news.example", f"{ORIGIN}:444", "null"])
def test_a_key_is_of_no_use_on_another_origin(site: Site, origin: str | None) -> None:
    headers = {name: value for name, value in {**BEACON, "origin": origin}.items() if value is not None}
    body = json.dumps({"site_key": site.key, "events": [CLICK]})
    answer = site.client.post("/v1/collect", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "access-control-allow-origin" not in answer.headers
    assert site.log() == []


def test_unknown_revoked_and_other_keys_are_refused(site: Site, new_key: Callable[..., str], where: Place) -> None:
    revoked = new_key(Scope.SITE)
    with opened(where.settings.database_url) as database:
        key_admin.revoke_key(application(database), revoked.split("_")[1], "cli")
    client = site.client
    answers = [site.send(CLICK, site_key=key) for key in (None, 7, "x", revoked, site.key[:-1] + "!")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    for scope in (Scope.READ, Scope.WRITE, Scope.ADMIN):
        assert site.send(CLICK, site_key=new_key(scope)).status_code in (401, 403)
    assert client.get("/v1/feed/r", headers=bearer(site.key)).status_code == 403
    assert site.log() == []


def test_wrong_tokens_are_refused(site: Site) -> None:
    for token in (token_of("r", "x" * 64), token_of("r", exp=1_700_000_001, iat=1_700_000_000), "a.b.c", "", 7):
        assert site.send(CLICK, token=token).status_code == 401
    assert site.log() == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b"[" * 60_000, 422),
        (b"\xff", 422),
        (b'{"site_key": "x"}', 422),
        (b'{"events": []}', 422),
        (b'{"events": {}}', 422),
        (b'{"events": [{}], "sent_at": "yesterday"}', 422),
        (json.dumps({"events": [CLICK] * 201}).encode(), 422),
        (json.dumps({"events": [CLICK], "visitor": "short"}).encode(), 422),
        (json.dumps({"events": [CLICK], "visitor": "x" * 15 + "\n"}).encode(), 422),
        (json.dumps({"events": [CLICK], "more": "x" * 66_000}).encode(), 413),
    ],
    ids=range(12),
)
def test_a_wrong_envelope_is_a_problem(serve: MakeClient, content: bytes, status: int) -> None:
    answer = serve().post("/v1/collect", content=content, headers=BEACON)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_before_the_first_key_a_page_needs_none(serve: MakeClient, where: Place) -> None:
    site = Site(serve(), "unknown", where)
    assert site.send(CLICK, visitor=VISITOR).status_code == 204
    assert site.send({**CLICK, "id": "e2"}, visitor=VISITOR, site_key=None).status_code == 204
    assert len(site.log()) == 2
    assert Site(serve("http://192.0.2.1"), "unknown", where).send(CLICK).status_code == 401


def test_bad_rows_cost_only_themselves_and_are_kept_without_an_answer(site: Site) -> None:
    follow = {"id": "f", "kind": "follow", "subject": "sport"}
    bad = [
        {**CLICK, "id": None},
        "text",
        {**CLICK, "id": "k", "kind": "glance"},
        follow,
        {**CLICK, "id": "\ud800"},
    ]
    assert site.send(*bad, CLICK, visitor=VISITOR).status_code == 204
    assert site.readers() == {"e1": f"visitor-{VISITOR}"}
    reasons = {row["row"]: row["reason"] for row in site.rejects()}
    assert reasons[0] == "id: missing"
    assert reasons[1] == "row: not an object"
    assert reasons[2] == "kind: unknown"
    assert reasons[3] == "kind: needs a reader token"
    assert reasons.keys() == {0, 1, 2, 3, 4}
    assert site.metric("attune_collect_refused_total", reason="kind: unknown") == 1
    assert site.metric("attune_collect_events_total", outcome="refused") == 5
    site.send(
        {**follow, "kind": " FOLLOW"}, {**follow, "kind": "Block"}, {**CLICK, "kind": "boost"}, visitor=VISITOR
    )
    assert site.readers().keys() == {"e1"}
    assert site.send(follow, token=token_of("r")).status_code == 204
    assert site.readers()["f"] == "r"


def test_refused_rows_are_exported_and_erased_with_their_reader(site: Site, new_key: Callable[..., str]) -> None:
    site.send({**CLICK, "kind": "glance"}, token=token_of("reader-42"))
    own = bearer(token_of("reader-42"))
    (rejected,) = site.client.get("/v1/readers/reader-42/export", headers=own).json()["rejected"]
    assert json.loads(rejected["raw"])["reader"] == "reader-42"
    assert site.client.delete("/v1/readers/reader-42", headers=own).json()["rejects"] == 1
    assert site.rejects() == []


@pytest.mark.parametrize(
    "agent", ["Googlebot/2.1 (+http://www.google.com/bot.html)", "Mozilla/5.0 HeadlessChrome/120"]
)
def test_declared_bots_are_kept_apart_from_the_log(site: Site, agent: str) -> None:
    assert site.send(CLICK, visitor=VISITOR, headers={"user-agent": agent}).status_code == 204
    assert site.log() == []
    assert site.rejects()[0]["reason"] == "row: of a bot"
    assert site.metric("attune_collect_refused_total", reason="row: of a bot") == 1


def test_a_prefetched_page_counts_for_nothing(site: Site) -> None:
    for header in ({"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}):
        assert site.send(CLICK, visitor=VISITOR, headers=header).status_code == 204
    assert site.log() == []


def test_more_events_than_a_person_causes_are_of_a_bot(site: Site) -> None:
    for start in range(0, 1_000, 200):
        site.send(*({**CLICK, "id": f"e{start + n}"} for n in range(200)), visitor=VISITOR)
    assert len(site.log()) == 600
    assert site.metric("attune_collect_refused_total", reason="row: of a bot") == 400
    site.send({**CLICK, "id": "other"}, visitor="y" * 16)
    assert len(site.log()) == 601


def test_an_address_that_sends_too_much_has_to_wait(make_site: Callable[..., Site]) -> None:
    site = make_site(collect_rate_limit="2/hour")
    assert [site.send(CLICK).status_code for _ in range(3)] == [204, 204, 429]


def test_a_visitor_is_erased_by_its_own_id_and_a_reader_by_its_token(site: Site, where: Place) -> None:
    site.send(CLICK, visitor=VISITOR)
    site.send({**CLICK, "id": "e2"}, token=token_of("r"))
    site.send({**CLICK, "id": "e3"}, visitor="y" * 16)

    def erase(**fields: Any) -> int:
        body = json.dumps({"site_key": site.key, **fields})
        return site.client.post("/v1/collect/erase", content=body, headers=BEACON).status_code

    assert erase() == 422
    assert erase(visitor=VISITOR) == 204
    assert site.readers().keys() == {"e2", "e3"}
    assert erase(token=token_of("r"), visitor="y" * 16) == 204
    assert site.readers().keys() == {"e3"}
    with opened(where.settings.database_url) as database:
        newest = key_admin.list_audit(application(database), 1)[0]
    assert (newest.actor, newest.act) == (site.key.split("_")[1], "reader_erased")


def test_a_page_that_collects_may_erase_only_seldom(make_site: Callable[..., Site]) -> None:
    site = make_site(collect_rate_limit="300/hour")
    body = json.dumps({"site_key": site.key, "visitor": VISITOR})
    statuses = [site.client.post("/v1/collect/erase", content=body, headers=BEACON).status_code for _ in range(2)]
    assert statuses == [204, 429]


def test_pages_of_the_key_may_read_the_answer_and_others_may_not(site: Site) -> None:
    requested = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    before = site.client.options("/v1/collect", headers={"origin": ORIGIN, **requested})
    assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "access-control-allow-credentials" not in before.headers
    assert (
        site.client.options("/v1/collect", headers={"origin": "https://evil.example", **requested}).status_code
        == 405
    )
    answer = site.send(CLICK)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_pages_of_a_key_may_use_feeds_and_readers_with_a_token_only(site: Site) -> None:
    requested = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    for path in ("/v1/feed", "/v1/feed/r", "/v1/readers/r/attention"):
        before = site.client.options(path, headers={"origin": ORIGIN, **requested})
        assert before.headers["access-control-allow-origin"] == ORIGIN
        assert "Authorization" in before.headers["access-control-allow-headers"]
    answer = site.client.get("/v1/feed", headers={"origin": ORIGIN, **bearer(token_of("r"))})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    for path in ("/v1/models", "/v1/events", "/metrics", "/api/feedback"):
        assert "access-control-allow-origin" not in site.client.get(path, headers={"origin": ORIGIN}).headers


def test_a_revoked_key_allows_its_origin_no_more(site: Site, where: Place, new_key: Callable[..., str]) -> None:
    other = new_key(Scope.SITE, origin="https://old.example")
    with opened(where.settings.database_url) as database:
        key_admin.revoke_key(application(database), other.split("_")[1], "cli")
    answer = site.client.get("/v1/feed", headers={"origin": "https://old.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_secret_key_in_a_page_is_warned_of_once(
    site: Site, new_key: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    read = bearer(new_key(Scope.READ))
    for _ in range(2):
        site.client.get("/v1/feed/r", headers={"origin": ORIGIN, **read})
    site.client.get("/v1/feed/r", headers={"origin": "http://testserver", **read})
    site.client.get("/v1/feed/r", headers=read)
    assert len([record for record in caplog.records if "a web page uses the read key" in record.message]) == 1
    assert site.metric("attune_page_key_requests_total", scope="read") == 2


def test_a_crawler_and_a_prefetch_see_a_feed_that_is_not_logged(site: Site, where: Path) -> None:
    state = site.client.app.state.application.service.engine.state  # type: ignore[attr-defined]
    for headers in ({"sec-purpose": "prefetch"}, {"purpose": "prefetch"}, {"user-agent": "Googlebot/2.1"}):
        assert site.client.get("/v1/feed", headers=headers | bearer(token_of("curious"))).status_code == 200
    assert state.readers.get("curious") < 0
