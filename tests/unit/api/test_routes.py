"""The HTTP API, in process: bodies, limits, problems."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import api.app
from api.app import create_app
from recsys.domain import FeedRequest, Ranking, RankRequest
from recsys.errors import AttuneError, OrderError, StoreError, StoreUnavailableError
from recsys.serving.feed_service import FeedService
from recsys.serving.pagination import FeedPage
from tests.trained import HashEncoder, place

PROBLEM = "application/problem+json"
SECRET = "cannot use postgresql://attune@db.internal/news"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """An empty service with three articles."""
    monkeypatch.setattr(api.app, "LazyEncoder", lambda settings: HashEncoder())
    with TestClient(create_app(place(tmp_path).settings), raise_server_exceptions=False) as opened:
        rows = [{"id": f"a{i}", "title": f"Title {i}", "category": "sport", "word_count": 476} for i in range(3)]
        assert opened.post("/v1/articles", json={"articles": rows}).json()["accepted"] == 3
        wait_for(opened, 3)
        yield opened


def wait_for(client: TestClient, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(client.get("/v1/feed/nobody").json()["items"]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(answer: Any, status: int = 422) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body.keys() == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return str(body["detail"])


def test_a_feed_has_all_that_a_page_needs(client: TestClient) -> None:
    body = client.get("/v1/feed/r42", params={"limit": 2}).json()
    assert body.keys() == {"request_id", "reader", "model", "as_of", "cursor", "degraded", "items", "warnings"}
    assert (body["reader"], body["model"], len(body["items"])) == ("r42", "starting", 2)
    item = body["items"][0]
    assert item.keys() == {
        "id", "score", "position", "source", "propensity", "minutes", "article", "reasons", "story", "also_in",
            "rules", "tldr",
    }  # fmt: skip
    assert (item["position"], item["minutes"]) == (0, 2.0)
    assert (item["story"], item["also_in"]) == (item["id"], [])
    assert item["article"]["title"] == f"Title {item['id'][1:]}"
    assert item["article"]["published_at"].startswith("20")
    fields = {"kind", "code", "params", "text", "article", "weight"}
    assert all(reason.keys() == fields for reason in item["reasons"])


@pytest.mark.parametrize(
    ("accepted", "language", "follow", "fresh"),
    [
        ("", "en", "You follow sport", "New"),
        ("fr, *;q=0.1", "en", "You follow sport", "New"),
        ("fr;q=0.9, da-DK;q=0.8, en;q=0.7", "da", "Du følger sport", "Ny"),
        ("DE-at", "de", "Sie folgen sport", "Neu"),
        ("zh-Hans-CN,zh;q=0.9", "zh", "您关注了sport", "最新"),
    ],
)
def test_reasons_are_codes_and_texts_in_the_language_of_the_reader(
    client: TestClient, accepted: str, language: str, follow: str, fresh: str
) -> None:
    client.put("/v1/readers/r/preferences", json={"follow": ["sport"]})
    headers = {"Accept-Language": accepted}
    ranked = client.post("/v1/rank", json={"candidates": ["a0"], "explain": True}, headers=headers)
    shown = client.get("/v1/feed/r", params={"explore": 0}, headers=headers)
    found = {}
    for answer in (ranked, shown):
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]
        reasons = answer.json()["items"][0]["reasons"]
        found |= {each["code"]: (each["kind"], each["params"], each["text"]) for each in reasons}
    assert found["you_follow"] == ("you_follow", {"subject": "sport"}, follow)
    assert found["fresh"] == ("fresh", {}, fresh)


def logged_slates(client: TestClient) -> int:
    with closing(sqlite3.connect(client.app.state.application.settings.home / "attune.db")) as database:  # type: ignore[attr-defined]
        return int(database.execute("SELECT count(*) FROM impressions").fetchone()[0])


@pytest.mark.parametrize("how", [{"params": {"preview": "true"}}, {"headers": {"X-Attune-Preview": "true"}}])
def test_a_preview_logs_and_folds_nothing_and_has_one_page(client: TestClient, how: dict[str, Any]) -> None:
    before = logged_slates(client)
    state = client.app.state.application.service.engine.state  # type: ignore[attr-defined]
    for path in ("/v1/feed/curious", "/api/recommend/curious"):
        if "params" in how and path.startswith("/api"):
            continue
        body = client.get(path, **how).json()
        assert len(body if isinstance(body, list) else body["items"]) == 3
    assert client.get("/v1/feed/curious?limit=1", headers={"X-Attune-Preview": "1"}).json()["cursor"] is None
    assert logged_slates(client) == before
    assert state.readers.get("curious") < 0
    assert client.get("/v1/feed/curious?limit=1", headers={"X-Attune-Preview": "false"}).json()["cursor"]
    assert logged_slates(client) == before + 1


def test_a_preview_with_a_cursor_is_refused(client: TestClient) -> None:
    cursor = client.get("/v1/feed/r", params={"limit": 1}).json()["cursor"]
    assert "one page" in refused(client.get("/v1/feed/r", params={"cursor": cursor, "preview": True}))


def test_events_are_counted_one_by_one(client: TestClient) -> None:
    rows = [
        {"id": "e1", "reader": "r", "article": "a0", "kind": "click"},
        {"id": "e1", "reader": "r", "article": "a0", "kind": "click"},
        {"reader": "r", "article": "a0", "kind": "glance"},
        "not an object",
        {"reader": "r", "article": "a0", "kind": "read", "value": -3},
        {"reader": "r\u0000", "article": "a0", "kind": "click"},
    ]
    body = client.post("/v1/events", json={"events": rows}).json()
    assert (body["accepted"], body["duplicates"]) == (1, 1)
    assert [row["index"] for row in body["rejected"]] == [2, 3, 4, 5]
    assert body["rejected"][0]["reason"] == "kind: unknown"
    assert client.post("/v1/events", json={"events": rows[:1]}).json()["duplicates"] == 1


def test_a_retry_counts_once_if_it_has_an_id_or_a_time(client: TestClient) -> None:
    event = {"reader": "r", "article": "a0", "kind": "click"}
    for named, again in (({"id": "e"}, 1), ({"at": "2024-01-01T00:00:00Z"}, 1), ({}, 0)):
        first, second = (client.post("/v1/events", json={"events": [event | named]}).json() for _ in range(2))
        assert (first["accepted"], second["duplicates"]) == (1, again)


def test_a_lone_surrogate_is_rejected_not_a_crash(client: TestClient) -> None:
    raw = '{"events": [{"reader": "\\ud800", "article": "a0", "kind": "click"}, {"reader": "r", "article": "a0", "kind": "click"}]}'  # noqa: E501
    answer = client.post("/v1/events", content=raw, headers={"content-type": "application/json"})
    rejected = [(row["index"], row["reason"]) for row in answer.json()["rejected"]]
    assert (answer.json()["accepted"], rejected) == (1, [(0, "reader: half a surrogate pair")])
    body = '{"candidates": ["\\ud800"], "reader": "r"}'
    assert client.post("/v1/rank", content=body, headers={"content-type": "application/json"}).status_code == 422


def test_a_read_article_leaves_the_feed(client: TestClient) -> None:
    event = {"reader": "r", "article": "a1", "kind": "read", "value": 40}
    client.post("/v1/events", json={"events": [event]}).raise_for_status()
    assert {item["id"] for item in client.get("/v1/feed/r").json()["items"]} == {"a0", "a2"}


def test_feed_parameters_reach_the_engine(client: TestClient) -> None:
    def ids(**requested: Any) -> set[str]:
        return {item["id"] for item in client.get("/v1/feed/r", params=requested).json()["items"]}

    assert ids(exclude=["a0", "a1"]) == {"a2"}
    assert ids(category="sport") == {"a0", "a1", "a2"}
    assert ids(category="nothing") == set()
    items = client.get("/v1/feed/r", params={"explain": False}).json()["items"]
    assert all(item["reasons"] == [] for item in items)


@pytest.mark.parametrize(
    ("requested", "limit"), [({}, 20), ({"minutes": 30}, 100), ({"minutes": 30, "limit": 7}, 7)]
)
def test_a_budget_of_minutes_is_not_cut_by_the_usual_length(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, requested: dict[str, Any], limit: int
) -> None:
    limits: list[int] = []
    feed = FeedService.feed

    def watched(service: FeedService, request: FeedRequest, cursor: str | None = None) -> FeedPage:
        limits.append(request.limit)
        return feed(service, request, cursor)

    monkeypatch.setattr(FeedService, "feed", watched)
    client.get("/v1/feed/r", params=requested).raise_for_status()
    assert limits == [limit]


def test_ranking_needs_nobody_known_here(client: TestClient) -> None:
    history = ["a0", {"id": "a1", "seconds": 30, "at": "2024-01-01T00:00:00Z"}, "never heard of"]
    requested = {"candidates": ["a2", "x", "a2"], "history": history, "explain": True}
    body = client.post("/v1/rank", json=requested).json()
    assert body.keys() == {"request_id", "model", "as_of", "degraded", "items", "warnings"}
    assert [item["id"] for item in body["items"]] == ["a2", "x"]
    assert body["warnings"] == [
        "no known article has the id 'x', 'never heard of'; a new article is known some seconds after it is stored"
    ]
    assert body["items"][0]["reasons"]
    assert len(client.post("/v1/rank", json={"candidates": ["a0"], "page": "a1"}).json()["items"]) == 1


def test_the_context_of_a_request_reaches_the_ranker(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[RankRequest] = []
    rank = FeedService.rank

    def watched(service: FeedService, request: RankRequest, explain: bool = False) -> Ranking:
        requested.append(request)
        return rank(service, request, explain)

    monkeypatch.setattr(FeedService, "rank", watched)
    body = {"candidates": ["a0"], "reader": "r", "device": "mobile", "page": "a1"}
    client.post("/v1/rank", json=body).raise_for_status()
    [request] = requested
    assert (request.candidates, request.reader, request.device, request.page) == (("a0",), "r", "mobile", "a1")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"candidates": []}, "candidates"),
        ({"candidates": ["a"] * 2_001}, "candidates"),
        ({"candidates": [""]}, "candidates"),
        ({"candidates": ["a" * 513]}, "candidates"),
        ({"candidates": ["a\u0000"]}, "no database can hold"),
        ({"candidates": ["a0"], "reader": "r", "history": []}, "not both"),
        ({"candidates": ["a0"], "history": [{"id": "a0", "seconds": -1}]}, "seconds"),
        ({"candidates": ["a0"], "history": [{"id": "a0", "at": "yesterday"}]}, "ISO 8601"),
        ({"candidates": ["a0"], "history": [{"id": "a0", "seconds": 86_401}]}, "less than or equal to 86400"),
        ({"candidates": ["a0"], "history": [{"id": "a0", "at": "1989-12-31"}]}, "before 1990"),
        ({"candidates": ["a0"], "history": [{"id": "a0", "at": "2999-01-01T00:00:00Z"}]}, "in the future"),
        ({"candidates": ["a0"], "history": [{"seconds": 1}]}, "history.0.item.id: Field required"),
        ({"candidates": ["a0"], "history": [""]}, "history.0.id: "),
        ({"candidates": ["a0"], "history": [7]}, "history.0: an item is an article's id, or an object"),
        ({"candidates": ["a0"], "page": ""}, "page"),
        ({"candidates": ["a0"], "surprise": 1}, "surprise"),
    ],
)
def test_rankings_that_cannot_be_are_refused(client: TestClient, body: dict[str, Any], word: str) -> None:
    reported = refused(client.post("/v1/rank", json=body))
    assert word in reported
    assert "function" not in reported


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "explore=0.6", "explore=x", "device=%00", "page=%00", "limit=ten"]
)
def test_feeds_that_cannot_be_are_refused(client: TestClient, query: str) -> None:
    assert query.split("=")[0] in refused(client.get(f"/v1/feed/r?{query}"))


@pytest.mark.parametrize(
    "path", ["/v1/feed/r?minute=10", "/v1/latest?n=3", "/v1/trending?limits=3", "/v1/articles/a0/similar?n=3"]
)
def test_a_misspelled_parameter_is_refused_by_name(client: TestClient, path: str) -> None:
    name = path.partition("?")[2].partition("=")[0]
    assert refused(client.get(path)) == f"query.{name}: there is no field of this name; /docs lists all"


def test_readers_that_no_database_holds_are_refused(client: TestClient) -> None:
    refused(client.get("/v1/feed/a%00b"))
    refused(client.get("/v1/feed/" + "r" * 513))
    assert client.get("/v1/feed/" + "%C3%A9" * 100).status_code == 200


def test_readers_with_slashes_get_a_feed(client: TestClient) -> None:
    named = (("a%2Fb", "a/b"), ("a/b", "a/b"), ("%2F", "/"), ("rank", "rank"), ("r%0A", "r"), ("a%0Ab", "a\nb"))
    for path, reader in named:
        assert client.get(f"/v1/feed/{path}").json()["reader"] == reader
    refused(client.get("/v1/feed/" + "r%2F" * 257))
    refused(client.get("/v1/feed/"))


@pytest.mark.parametrize(("path", "name"), [("/v1/events", "events"), ("/v1/articles", "articles")])
def test_bodies_are_bounded(client: TestClient, path: str, name: str) -> None:
    refused(client.post(path, json={name: []}))
    refused(client.post(path, json={name: [{}] * 1_001}))
    refused(client.post(path, json={}))
    refused(client.post(path, content=b"{", headers={"content-type": "application/json"}))


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    assert "/docs" in refused(client.get("/v1/nothing"), 404)
    answer = client.delete("/v1/rank")
    assert "/docs" in refused(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("stated", [None, "application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("path", ["/v1/rank", "/v1/events", "/api/items"])
def test_a_body_without_a_json_content_type_gets_an_error_that_names_it(
    client: TestClient, path: str, stated: str | None
) -> None:
    headers = {} if stated is None else {"content-type": stated}
    reported = refused(client.post(path, content=b'{"candidates": ["a0"]}', headers=headers))
    assert "content-type: application/json" in reported


@pytest.mark.parametrize(
    ("path", "body", "fix"),
    [("/v1/articles", b'[{"id": "a"}]', "send a JSON object"), ("/v1/rank", b"nonsense", "this is not JSON")],
)
def test_a_body_of_another_form_gets_an_error_that_names_the_right_one(
    client: TestClient, path: str, body: bytes, fix: str
) -> None:
    assert fix in refused(client.post(path, content=body, headers={"content-type": "application/json"}))


def test_a_missing_body_is_not_blamed_on_its_type(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    assert refused(client.post("/v1/rank", headers=headers)) == "body: Field required"


def test_errors_nobody_foresaw_are_problems_without_details(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsys.feed.engine.FeedEngine.rank", _fail(ValueError("the secret")))
    assert "secret" not in refused(client.post("/v1/rank", json={"candidates": ["a0"]}), 500)


@pytest.mark.parametrize(
    ("error", "status", "after"),
    [(StoreError(SECRET), 503, "5"), (StoreUnavailableError(SECRET), 503, "5"), (OrderError(SECRET), 500, None)],
)
def test_an_internal_failure_is_only_in_the_log(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: AttuneError,
    status: int,
    after: str | None,
) -> None:
    monkeypatch.setattr("recsys.store.articles.get", _fail(error))
    answer = client.get("/v1/articles/a0")
    reported = refused(answer, status)
    assert "try again later" in reported
    assert "X-Request-ID" in reported
    assert SECRET not in answer.text
    assert SECRET in caplog.text
    assert answer.headers.get("retry-after") == after


def test_a_model_that_cannot_serve_is_reported_and_logged(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert "no other bundle" in refused(client.post("/v1/models/rollback"), 409)
    assert "no other bundle" in caplog.text


def test_a_locked_store_is_503(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("recsys.store.database._BUSY_MS", 1)
    service = client.app.state.application.feed  # type: ignore[attr-defined]
    service.database.close()  # connections take the patience they were opened with
    file = str(service.database.engine.url.database)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        event = {"reader": "r", "article": "a1", "kind": "click"}
        reported = refused(client.post("/v1/events", json={"events": [event]}), 503)
    assert file not in reported
    assert "locked" in caplog.text
    assert file in caplog.text


def _fail(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "model": "starting"}
    assert client.get("/openapi.json").json()["info"]["title"] == "Attune"


def test_not_ready_shows_strangers_no_cause(client: TestClient) -> None:
    service = client.app.state.application.feed  # type: ignore[attr-defined]
    service.background_jobs.articles.stop(within=10)  # or it would be ready again within a second
    service.ready.clear()
    assert "encoded" in refused(client.get("/readyz"), 503)
    service.background_jobs.articles.failure = "no weights"
    assert "no weights" not in (reported := refused(client.get("/readyz"), 503))
    assert "log" in reported


def test_an_article_keeps_the_date_it_was_received_with(client: TestClient) -> None:
    row = {"id": "a0", "title": "Title 0", "category": "sport", "word_count": 476}
    assert client.post("/v1/articles", json={"articles": [row]}).json()["duplicates"] == 1
    before = shown(client, "a0")
    assert client.post("/v1/articles", json={"articles": [{**row, "title": "New"}]}).json()["accepted"] == 1
    deadline = time.monotonic() + 30
    while (after := shown(client, "a0"))["title"] != "New":
        assert time.monotonic() < deadline, "changed articles are taken in within a second"
    assert after["published_at"] == before["published_at"]


def shown(client: TestClient, article: str) -> Any:
    """Return the item of this article in a feed."""
    (item,) = [item for item in client.get("/v1/feed/q").json()["items"] if item["id"] == article]
    return item["article"]


def test_unknown_names_are_warnings_and_no_errors(client: TestClient) -> None:
    about = {"reader": "r", "kind": "click", "article": "nowhere"}
    stored = client.post("/v1/events", json={"events": [about]}).json()
    assert (stored["accepted"], stored["warnings"]) == (
        1,
        ["no known article has the id 'nowhere'; a new article is known some seconds after it is stored"],
    )
    assert client.get("/v1/feed/r", params={"category": "Nowhere"}).json()["warnings"] == [
        "no stored article has the category 'Nowhere'"
    ]
    assert client.get("/v1/feed/r", params={"category": "SPORT "}).json()["items"]


def test_an_export_has_times_and_titles_for_people(client: TestClient) -> None:
    client.post("/v1/events", json={"events": [{"reader": "r", "kind": "click", "article": "a0"}]})
    (event,) = client.get("/v1/readers/r/export").json()["tables"]["events"]
    assert event["titles"] == [client.get("/v1/articles/a0").json()["title"]]
    assert event["at"].endswith("+00:00")
    page = client.get("/v1/readers/r/export", params={"format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert event["titles"][0] in page.text and event["at"] in page.text


def test_the_api_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources and all(source.startswith("/") for source in sources)
    assert all(client.get(source).status_code == 200 for source in sources)
