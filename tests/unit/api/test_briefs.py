from collections.abc import Callable

from api.application.scopes import Scope
from tests.unit.api.conftest import MakeClient, bearer

BODY = (
    "Tram line to the harbour\nThe city council approved a tram line to the harbour on Monday after long debate. "
    "Rain fell. The line costs 300 million euros and opens in 2031 with twelve stations."
)
ARTICLES = [
    {"id": "news/1", "title": "Tram line to the harbour", "body": BODY, "language": "en"},
    {
        "id": "short",
        "title": "Only an abstract",
        "abstract": "The abstract has one whole sentence.",
        "language": "en",
    },
    {"id": "bare", "title": "Only a title"},
]


def test_a_brief_quotes_the_body(serve: MakeClient) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": ARTICLES})
    brief = client.get("/v1/articles/news/1/tldr").json()
    assert (brief["article"], brief["of"]) == ("news/1", "body")
    assert [BODY[each["start"] : each["end"]] for each in brief["sentences"]] == [
        x["text"] for x in brief["sentences"]
    ]
    assert brief["sentences"][0]["text"].startswith("The city council approved")
    shorter = client.get("/v1/articles/news/1/tldr?seconds=5").json()
    assert 0 < shorter["seconds"] <= 5 < brief["seconds"] <= 15
    assert client.get("/v1/articles/short/tldr").json()["of"] == "abstract"
    assert client.get("/v1/articles/bare/tldr").json()["sentences"] == []


def test_an_article_under_embargo_has_no_brief(serve: MakeClient) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": [{**ARTICLES[0], "published_at": "2999-01-01T00:00:00Z"}]})
    assert client.get("/v1/articles/news/1/tldr").status_code == 404
    assert client.get("/v1/articles/news/1/tldr?seconds=5").status_code == 404


def test_a_brief_follows_the_newest_content(serve: MakeClient) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": ARTICLES})
    before = client.get("/v1/articles/short/tldr").json()
    client.post("/v1/articles", json={"articles": [ARTICLES[1] | {"abstract": "Another text is here by now."}]})
    after = client.get("/v1/articles/short/tldr").json()
    assert [x["sentences"][0]["text"] for x in (before, after)] == [
        ARTICLES[1]["abstract"], "Another text is here by now."
    ]  # fmt: skip


def test_unknown_and_withdrawn_articles_have_no_brief(serve: MakeClient) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": ARTICLES})
    client.delete("/v1/articles/short")
    for name in ("short", "unknown"):
        for query in ("", "?seconds=9"):
            answer = client.get(f"/v1/articles/{name}/tldr{query}")
            assert (answer.status_code, answer.json()["title"]) == (404, "There is no such article")
    assert client.get("/v1/articles/bare/tldr?seconds=1").status_code == 422


def test_a_brief_needs_a_read_key(serve: MakeClient, new_key: Callable[..., str]) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": ARTICLES})
    read, site = new_key(Scope.READ), new_key(Scope.SITE)
    closed = serve()
    assert closed.get("/v1/articles/short/tldr", headers=bearer(read)).status_code == 200
    assert closed.get("/v1/articles/short/tldr").status_code == 401
    assert closed.get("/v1/articles/short/tldr", headers=bearer(site)).status_code in (401, 403)


def test_feeds_have_briefs_on_request_only(serve: MakeClient) -> None:
    client = serve()
    client.post("/v1/articles", json={"articles": ARTICLES})
    wait = client.get("/readyz")
    assert wait.status_code in (200, 503)
    client.app.state.application.feed.ready.wait(30)  # type: ignore[attr-defined]
    client.app.state.application.articles_changed()  # type: ignore[attr-defined]
    for _ in range(100):
        items = client.get("/v1/feed/r?include=tldr&preview=true").json()["items"]
        if len(items) == len(ARTICLES):
            break
    briefs = {item["id"]: item["tldr"] for item in items}
    assert briefs["short"] == ARTICLES[1]["abstract"]
    assert briefs["news/1"].startswith("The city council")
    assert briefs["bare"] is None
    assert {item["tldr"] for item in client.get("/v1/feed/r?preview=true").json()["items"]} == {None}
    page = client.get("/embed/feed?reader=r").text
    assert "<b>Briefly:</b> The city council" in page
    assert '<b lang="en">Briefly:</b> The city council' in client.get("/read?id=news/1").text
