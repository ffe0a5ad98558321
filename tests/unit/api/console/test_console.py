"""The console in process: sessions, forms, and that each act does what it says and is on record."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response
from pydantic import SecretStr

import api.app
from api.app import create_app
from api.application.console_access import IDLE, LONGEST
from api.application.iso_time import to_iso
from api.application.scopes import Scope
from api.console.sign_in_routes import sign_in_limit
from recsys.domain import WebhookEvent
from recsys.store import audit_log, feed_sources, log_outbox, webhook_outbox
from recsys.store.database import opened
from recsys.store.feed_sources import FeedSource
from recsys.store.tables import console_sessions, events, impressions
from tests.trained import HashEncoder, Place, place
from tests.unit.api.conftest import MakeClient, bearer

READER, LEAVING = "reader-4711", "reader-4712"
PAGES = (
    "console", "console/front-page", "console/articles", "console/articles/one?id=a1", "console/rules",
    "console/readers", "console/models", "console/evaluation", "console/data", "console/attention",
    "console/webhooks", "console/keys", "console/audit", "console/settings",
)  # fmt: skip


class Console:
    """A browser that has signed in."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client, self.key = client, key

    def sign_in(self) -> Response:
        return self.client.post("/console/sign-in", data={"key": self.key}, follow_redirects=False)

    def get(self, path: str) -> Response:
        return self.client.get(f"/{path}")

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="(\w+)"', self.get("console/readers").text)
        assert found is not None
        return found[1]

    def post(self, path: str, confirmed: bool = False, **fields: str) -> Response:
        data = {"form_token": self.form_token, **fields} | ({"confirmed": "yes"} if confirmed else {})
        return self.client.post(f"/{path}", data=data)


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Place]]:
    """A service with three articles, of which a reader opened one."""
    made = place(tmp_path_factory.mktemp("console"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
        with TestClient(create_app(made.settings), raise_server_exceptions=False) as client:
            rows = [{"id": f"a{i}", "title": f"Big Ærlige title {i}", "category": "sport"} for i in range(3)]
            assert client.post("/v1/articles", json={"articles": rows}).json()["accepted"] == 3
            until(lambda: len(client.get("/v1/latest").json()["items"]) == 3)
            open_article(client, READER, {})
            yield client, made


@pytest.fixture
def where(newsroom: tuple[TestClient, Place]) -> Place:
    return newsroom[1]


@pytest.fixture
def console(newsroom: tuple[TestClient, Place], new_key: Callable[..., str]) -> Console:
    """Signed in with a key of its own."""
    client, _ = newsroom
    client.cookies.clear()
    made = Console(client, new_key(Scope.ADMIN, "ops"))
    state = client.app.state  # type: ignore[attr-defined]
    state.sign_ins = sign_in_limit()
    state.keys._read_at = float("-inf")  # a process reads new keys within half a second
    assert made.sign_in().status_code == 303
    return made


def open_article(client: TestClient, reader: str, headers: dict[str, str]) -> None:
    click = {"id": f"e-{reader}", "reader": reader, "kind": "click", "article": "a0"}
    assert client.post("/v1/events", json={"events": [click]}, headers=headers).status_code == 200


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stored(where: Place, query: sa.Select[Any]) -> list[Any]:
    with opened(where.settings.database_url) as database, database.read() as connection:
        return list(connection.execute(query))


def move_session(where: Place, **columns: int) -> None:
    with opened(where.settings.database_url) as database, database.write() as connection:
        given = {name: console_sessions.c[name] - by for name, by in columns.items()}
        connection.execute(sa.update(console_sessions).values(**given))


def test_every_page_needs_a_session(console: Console) -> None:
    for page in PAGES:
        assert console.get(page).status_code == 200, page
    console.client.cookies.clear()
    for page in PAGES:
        answer = console.get(page)
        assert "Admin key" in answer.text
        assert answer.status_code == (200 if page == "console" else 401)


@pytest.mark.parametrize(("address", "secure"), [("http://testserver", False), ("https://testserver", True)])
def test_no_script_and_no_other_site_gets_the_cookie(
    serve: MakeClient, new_key: Callable[..., str], where: Place, address: str, secure: bool
) -> None:
    cookie = Console(serve(base_url=address), new_key(Scope.ADMIN)).sign_in().headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert ("Secure" in cookie) == secure
    assert "Path" not in cookie
    token = re.match(r"attune_console=([\w-]+);", cookie)
    assert token is not None
    assert token[1] not in str(stored(where, sa.select(console_sessions))), "the database has its digest"


def test_only_a_valid_admin_key_signs_in(serve: MakeClient, new_key: Callable[..., str]) -> None:
    client, admin = serve(), new_key(Scope.ADMIN)
    for key, status in (("", 401), ("att_wrong", 401), (admin[:-1] + "~", 401), (new_key(Scope.WRITE), 403)):
        answer = Console(client, key).sign_in()
        assert answer.status_code == status
        assert "set-cookie" not in answer.headers
    assert client.get("/console").status_code == 200


def test_other_sites_cannot_sign_a_browser_in(serve: MakeClient, new_key: Callable[..., str]) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = serve().post("/console/sign-in", data={"key": new_key(Scope.ADMIN)}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_an_address_cannot_try_keys_without_end(serve: MakeClient, new_key: Callable[..., str]) -> None:
    console = Console(serve(), "att_wrong")
    new_key(Scope.ADMIN)
    answers = [console.sign_in() for _ in range(25)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("moved", [{"used_at": IDLE + 1}, {"started_at": LONGEST + 1}])
def test_a_session_expires(console: Console, where: Place, moved: dict[str, int]) -> None:
    move_session(where, **moved)
    answer = console.get("console/rules")
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text


def test_use_prolongs_a_session(console: Console, where: Place) -> None:
    for _ in range(2):
        move_session(where, used_at=IDLE * 3 // 4)
        assert console.get("console/rules").status_code == 200


def test_a_part_of_a_page_sends_the_browser_to_the_sign_in(console: Console) -> None:
    console.client.cookies.clear()
    answer = console.client.get("/console/now", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "../console")


def test_revoking_the_key_ends_its_sessions(console: Console) -> None:
    id_ = console.key.split("_")[1]
    assert "You are signed in with this key" in console.post("console/keys/revoke", id=id_).text
    console.post("console/keys/revoke", confirmed=True, id=id_)
    until(lambda: console.get("console/rules").status_code == 401)


def test_signing_out_ends_the_session_and_both_are_on_record(console: Console, where: Place) -> None:
    token = console.client.cookies["attune_console"]
    assert "Admin key" in console.post("console/sign-out").text
    console.client.cookies.set("attune_console", token, path="/console")
    assert console.get("console/rules").status_code == 401
    with opened(where.settings.database_url) as database, database.read() as connection:
        acts = [row.act for row in audit_log.newest(connection, 2)]
    assert acts == ["signed_out", "signed_in"]


@pytest.mark.parametrize("path", ["rules/add", "readers", "keys/create", "models/roll-back", "sign-out"])
def test_a_form_needs_the_token_of_its_session(console: Console, path: str) -> None:
    other = console.form_token
    assert console.sign_in().status_code == 303  # another tab: the cookie is of a new session
    for token in ("", "x", other, "ü"):
        answer = console.client.post(f"/console/{path}", data={"form_token": token, "reader": READER})
        assert answer.status_code == 403, token
        assert "not of this session" in answer.text


def test_bodies_that_are_no_form_are_errors_as_pages(console: Console) -> None:
    post = console.client.post
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert post("/console/readers", json={}).status_code == 415
    assert post("/console/readers", content=b"a=" + b"x" * 70_000, headers=form).status_code == 413
    for content in (b"reader=%ff", b"\xff=1", b"&".join(b"a=1" for _ in range(200))):
        answer = post("/console/readers", content=content, headers=form)
        assert answer.status_code == 422
        assert "<main" in answer.text
    assert console.post("console/readers", reader="a\0b").status_code == 422


def test_articles_are_found_by_words_section_and_id(console: Console) -> None:
    for query, rows in (
        ("text=ÆRLIGE big 2", 1),
        ("text=a1", 1),
        ("text=title&section=Sport", 3),
        ("text=none", 0),
    ):
        found = console.client.get(f"/console/articles?{query}", headers={"HX-Request": "true"})
        assert found.text.count('scope="row"') == rows, query
        assert "<html" not in found.text
    assert console.get("console/articles/one?id=none").status_code == 404


def test_a_rule_for_no_stored_article_says_so(console: Console) -> None:
    added = console.post("console/rules/add", field="section", match="Sprot", kind="pin", place="1", hours="1")
    assert "no stored article matches it yet" in added.text
    found = re.search(r'name="id" value="(\w+)"', added.text)
    assert found is not None
    console.post("console/rules/remove", confirmed=True, id=found[1])


def test_a_rule_is_added_shown_and_removed_after_a_question(console: Console) -> None:
    added = console.post("console/rules/add", field="article", match="a1", kind="pin", place="1", hours="1")
    assert "The rule acts now" in added.text
    feed = console.client.get("/v1/feed/somebody", headers=bearer(console.key)).json()
    assert feed["items"][0]["id"] == "a1"
    assert "pin to place 1" in console.get("console/articles/one?id=a1").text
    found = re.search(r'name="id" value="(\w+)"', console.get("console/rules").text)
    assert found is not None
    assert "Remove rule" in console.post("console/rules/remove", id=found[1]).text
    assert "pin to place 1" in console.get("console/articles/one?id=a1").text, "a question removes nothing"
    assert "is removed" in console.post("console/rules/remove", confirmed=True, id=found[1]).text
    assert console.post("console/rules/remove", confirmed=True, id=found[1]).status_code == 404


@pytest.mark.parametrize(
    "fields", [{"kind": "pin"}, {"kind": "boost", "value": "x"}, {"kind": "ban", "hours": "9"}]
)
def test_a_wrong_rule_is_an_error_that_names_the_field(console: Console, fields: dict[str, str]) -> None:
    answer = console.post("console/rules/add", confirmed=True, field="article", match="a1", **fields)
    assert answer.status_code == 422
    assert "`" in answer.text or "place" in answer.text


def test_a_preview_logs_nothing_and_says_why_an_article_is_missing(console: Console, where: Place) -> None:
    before = stored(where, sa.select(sa.func.count()).select_from(impressions))
    feeds = console.client.get("/metrics", headers=bearer(console.key)).text
    page = console.post("console/front-page", reader=READER, missing="a0", limit="5")
    assert page.text.count("Why this score") >= 3
    assert "has opened, read or hidden it" in page.text
    invented = console.post("console/front-page", read="a0, a1", missing="a0")
    assert "Big Ærlige title 2" in invented.text
    assert stored(where, sa.select(sa.func.count()).select_from(impressions)) == before
    shown = [line for line in feeds.splitlines() if line.startswith("attune_feed_shown_total")]
    assert shown == [
        line
        for line in console.client.get("/metrics", headers=bearer(console.key)).text.splitlines()
        if line.startswith("attune_feed_shown_total")
    ]
    for wrong in ({}, {"read": "none"}, {"reader": "r", "limit": "0"}, {"reader": "r", "version": "none"}):
        assert console.post("console/front-page", **wrong).status_code in (409, 422)


def test_the_page_of_an_earlier_time_stands_beside_that_of_now(console: Console, where: Place) -> None:
    with opened(where.settings.database_url) as database, database.read() as connection:
        first = connection.execute(
            sa.select(sa.func.min(events.c.known_at)).where(events.c.reader == READER)
        ).scalar()
    page = console.post("console/front-page", reader=READER, missing="a0", at=to_iso(first)[:19]).text
    assert page.count('<section aria-label="Feed of model') == 2
    then, now = page.split('<section aria-label="Feed of model')[1:]
    assert "has opened, read or hidden it" in now
    assert "has opened, read or hidden it" not in then
    for wrong in ("yesterday", "2999-01-01T00:00"):
        assert console.post("console/front-page", reader=READER, at=wrong).status_code == 422


def test_a_reader_is_looked_up_exported_and_erased_after_a_question(console: Console, where: Place) -> None:
    open_article(console.client, LEAVING, bearer(console.key))
    assert "Big Ærlige title 0" in console.post("console/readers", reader=LEAVING).text
    export = console.post("console/readers/export", reader=LEAVING)
    assert [row["id"] for row in export.json()["tables"]["events"]] == [f"e-{LEAVING}"]
    assert LEAVING not in export.headers["content-disposition"]
    assert "Erase for good" in console.post("console/readers/erase", reader=LEAVING).text
    of_reader = sa.select(events.c.id).where(events.c.reader == LEAVING)
    assert len(stored(where, of_reader)) == 1, "a question erases nothing"
    assert "receipt" in console.post("console/readers/erase", confirmed=True, reader=LEAVING).text
    assert stored(where, of_reader) == []
    assert "Nothing is known" in console.post("console/readers", reader=LEAVING).text
    assert console.post("console/readers").status_code == 422


def test_no_log_line_names_a_reader_or_a_key(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        console.post("console/readers", reader=READER)
        console.post("console/front-page", reader=READER)
        console.post("console/readers/erase", reader=READER)
        console.sign_in()
    lines = json.dumps([{**vars(record), "args": str(record.args)} for record in caplog.records], default=str)
    assert "/console/readers" in lines
    assert READER not in lines
    assert console.key not in lines


def test_a_new_key_is_shown_once(console: Console) -> None:
    made = console.post("console/keys/create", scope="read", name="widget")
    token = re.search(r"att_\w{12}_[\w-]{43}", made.text)
    assert token is not None
    until(lambda: console.client.get("/v1/latest", headers=bearer(token[0])).status_code == 200)
    assert token[0] not in console.get("console/keys").text
    assert console.post("console/keys/create", scope="king").status_code == 422


def test_acts_on_models_without_a_model_are_errors_that_name_the_fix(console: Console) -> None:
    assert "attune train" in console.get("console/models").text
    assert console.post("console/models/roll-back", confirmed=True).status_code == 409
    assert console.post("console/models/activate", version="none").status_code == 404
    assert console.post("console/models/start-trial", version="none").status_code == 404
    assert console.post("console/models/end-trial", confirmed=True).status_code == 409


def test_secrets_are_stars_on_the_page_of_settings(serve: MakeClient, new_key: Callable[..., str]) -> None:
    secret = "s" * 40
    console = Console(serve(token_secret=SecretStr(secret)), new_key(Scope.ADMIN))
    console.sign_in()
    page = console.get("console/settings").text
    assert "ATTUNE_TOKEN_SECRET" in page
    assert secret not in page


def test_rejected_rows_are_shown_by_reason(console: Console, where: Place) -> None:
    folder = where.home / "rejects" / "jsonl-1"
    folder.mkdir(parents=True)
    row = {"file": "f", "row": 1, "kind": "events", "reason": "bad_time", "value": "x", "fix": "f", "raw": "<b>"}
    (folder / "0.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n")
    answer = console.get("console/data/rejects?folder=jsonl-1").text
    assert "events: bad_time" in answer
    assert "&lt;b&gt;" in answer
    assert "bad_time" not in console.get("console/data/rejects?folder=../rejects/jsonl-1").text


def test_the_service_counts_its_traffic(console: Console, where: Place) -> None:
    console.client.app.state.application.feed.background_jobs.traffic.wake()  # type: ignore[attr-defined]
    until(lambda: re.search(r"Events: newest \d+, highest [1-9]", console.get("console").text))
    assert "Feeds a second" in console.get("console/now").text


def test_webhooks_are_added_listed_and_removed(console: Console) -> None:
    assert "No webhook yet" in console.get("console/webhooks").text
    made = console.post(
        "console/webhooks/add", url="https://hooks.example.org/a?token=abc123", **{"wants alert": "yes"}
    )
    secret = re.search(r"whsec_[\w+/=]+", made.text)
    assert secret is not None
    page = console.get("console/webhooks").text
    assert "https://hooks.example.org/a<" in page
    assert "abc123" not in page
    assert secret[0] not in page
    id_ = re.search(r'name="id" value="(\w+)"', page)
    assert id_ is not None
    assert "messages are deleted" in console.post("console/webhooks/remove", id=id_[1]).text
    console.post("console/webhooks/remove", confirmed=True, id=id_[1])
    assert "No webhook yet" in console.get("console/webhooks").text
    assert console.post("console/webhooks/add", url="ftp://hooks.example.org").status_code == 422
    assert console.post("console/webhooks/retry", id="msg_none").status_code == 422


def test_a_failed_message_of_a_webhook_is_sent_again(console: Console, where: Place) -> None:
    console.post("console/webhooks/add", url="https://hooks.example.org/a")
    with opened(where.settings.database_url) as database, database.write() as connection:
        webhook_outbox.announce(connection, WebhookEvent.ALERT, {"alert": "drift"}, 1)
        [message] = webhook_outbox.newest(connection, 1)
        webhook_outbox.settle(connection, replace(message, next_at=None, error="410 Gone"))
    assert "410 Gone" in console.get("console/webhooks").text
    console.post("console/webhooks/retry", id=message.id)
    with opened(where.settings.database_url) as database, database.read() as connection:
        assert not webhook_outbox.failed(connection, 1)


def test_sources_and_streams_are_on_the_page_of_data(console: Console, where: Place) -> None:
    empty = console.get("console/data").text
    assert "No source yet" in empty
    assert "mirrored to no topic" in empty
    good, bad = "https://news.example.org/feed", "https://news.example.org/gone"
    with opened(where.settings.database_url) as database, database.write() as connection:
        failing = FeedSource(url=bad, interval=60, next_at=None, failures=3, error="410 <Gone>")
        feed_sources.add(connection, [FeedSource(url=good, interval=60, next_at=1, articles=1_234), failing])
        log_outbox.save_position(connection, "nats://broker/attune", 0)
    page = console.get("console/data").text
    assert all(text in page for text in (good, bad, "1,234", "410 &lt;Gone&gt;", "nats://broker/attune"))
