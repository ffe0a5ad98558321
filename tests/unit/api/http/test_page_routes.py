"""Pages for readers, as a browser gets them: what is in them, and what they may load."""

import re
from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.application.scopes import Scope
from tests.unit.api.conftest import ORIGIN, MakeClient, bearer
from tests.unit.api.test_routes import wait_for

MARKUP = "<script>alert(1)</script>"
SENT = "&lt;script&gt;alert(1)&lt;/script&gt;"  # tags that are sent as tags are removed when they are stored
ROWS = [
    {"id": "a1", "title": f"One {SENT}", "abstract": SENT, "category": "local", "body": f"First\n\n{SENT}"},
    {"id": "a2", "title": "Two", "source": "S", "url": "javascript:alert(1)", "image_url": "javascript:alert(1)"},
    {"id": "a/3", "title": "Three", "url": "https://news.example/3", "image_url": "https://news.example/3.jpg"},
]
PAGES = ["/", "/attention", "/read?id=a1", "/read?id=none", "/embed/feed?reader=r1"]


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    started = serve(base_url="http://127.0.0.1")
    started.post("/v1/articles", json={"articles": ROWS}).raise_for_status()
    wait_for(started, len(ROWS))
    return started


def policy(client: TestClient, path: str, **headers: str) -> dict[str, str]:
    """The content security policy of a page, by directive."""
    given = client.get(path, headers=headers).headers["content-security-policy"]
    return {name: value for name, _, value in (each.strip().partition(" ") for each in given.split(";"))}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_and_loads_only_files_of_the_service_and_images(client: TestClient, path: str) -> None:
    found = policy(client, path)
    assert found["default-src"] == found["base-uri"] == "'none'"
    assert found["script-src"] == found["style-src"] == found["connect-src"] == found["form-action"] == "'self'"
    assert found["img-src"] == "'self' https: data:"
    body = client.get(path).text
    code = re.sub(r'<script type="application/json"[^>]*>[^<]*</script>', "", body)  # data: browsers do not run it
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", code), "the policy forbids inline code"
    addresses = re.findall(r"<(?:script|link)[^>]*(?:src|href)=\"([^\"]+)\"", body)
    assert {address for address in addresses if "static/" not in address} == {"data:,"}
    for address in addresses:
        if "static/" in address:
            assert client.get(address.replace("../", "/")).status_code == 200


@pytest.mark.parametrize(
    ("path", "accepted", "language", "text"),
    [
        ("/", "da-DK, en;q=0.5", "da", "<h1>Dine nyheder</h1>"),
        ("/attention", "de", "de", "<h1>Ihre Aufmerksamkeit</h1>"),
        ("/read?id=a2", "zh-CN", "zh", ">收藏</button>"),
        ("/read?id=none", "da", "da", "<h1>Artiklen findes ikke</h1>"),
        ("/", "fr", "en", "<h1>Your news</h1>"),
        ("/embed/feed?reader=r1&lang=da-DK", "de", "da", "<h1>Dine nyheder</h1>"),
        ("/embed/feed?reader=r1", "de", "de", "<h1>Ihre Nachrichten</h1>"),
        ("/embed/feed?reader=r1&lang=fr", "de", "en", "<h1>Your news</h1>"),
    ],
)
def test_a_page_is_in_the_language_of_the_reader(
    client: TestClient, path: str, accepted: str, language: str, text: str
) -> None:
    page = client.get(path, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.text and text in page.text
    assert page.headers["content-language"] == language
    assert page.headers["vary"].count("Accept-Language") == 1


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/embed/feed?token=a.b.c&lang=da", 401, "<h1>Log ind for at se dine nyheder</h1>"),
        ("/embed/feed", 422, "<h1>Diese Adresse ist falsch oder unvollständig</h1>"),
        ("/read", 422, "query.id: Field required"),
    ],
)
def test_a_problem_of_a_page_is_a_page_for_browsers(client: TestClient, path: str, status: int, text: str) -> None:
    page = client.get(path, headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "de"})
    assert page.status_code == status and text in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    styles = re.findall(r'stylesheet" href="([^"]+)"', page.text)
    assert client.get(urljoin(path, styles[0])).status_code == 200
    document = client.get(path)
    assert document.status_code == status
    assert document.headers["content-type"] == "application/problem+json"


def test_an_old_link_says_where_the_feed_can_be_opened_again(client: TestClient) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "de"}
    page = client.get("/embed/feed?token=a.b.c", headers=headers)
    assert page.status_code == 401 and "aus einer neueren Mail" in page.text
    assert "neueren Mail" not in client.get("/embed/feed", headers=headers).text


@pytest.mark.parametrize("path", ["/", "/attention"])
def test_without_script_a_page_links_to_the_feed_of_its_reader(client: TestClient, path: str) -> None:
    page = client.get(path, params={"reader": "r 1"}, headers={"Accept-Language": "da"}).text
    link = re.search(r'<noscript>.*href="([^"]+)"', page)
    assert link is not None
    feed = client.get(urljoin(path, link[1].replace("&amp;", "&")))
    assert feed.status_code == 200 and "<h1>Dine nyheder</h1>" in feed.text
    assert "<code>/embed/feed</code>" in client.get(path).text


def test_another_article_of_a_story_in_the_same_source_is_named_by_its_title(client: TestClient) -> None:
    text = {
        "title": "The harbour opens",
        "abstract": "The first ferry of the year left the harbour at six o'clock.",
    }
    rows = [{"id": f"b{i}", **text, "source": "Post", "url": f"https://x.example/{i}"} for i in range(2)]
    client.post("/v1/articles", json={"articles": rows}).raise_for_status()
    wait_for(client, len(ROWS) + 1)  # one item shows both
    also = re.search(r"Also in (.*)</p>", client.get("/embed/feed?reader=r1").text)
    assert also is not None
    assert re.findall(r">([^<]+)</a>", also[1]) == ["The harbour opens"]


@pytest.mark.parametrize(
    ("abstract", "more"),
    [
        ("The harbour opened at six.", " The first ferry of the year left it an hour later."),
        ("It opened at six. All came.", ""),
    ],
)
def test_a_brief_and_an_abstract_say_nothing_twice(client: TestClient, abstract: str, more: str) -> None:
    article = {"id": "b1", "title": "Two news", "abstract": abstract, "body": abstract + more}
    client.post("/v1/articles", json={"articles": [article]}).raise_for_status()
    wait_for(client, len(ROWS) + 1)
    page = client.get("/embed/feed?reader=r1").text
    assert page.count(abstract.split(".")[0]) == 1
    assert more.strip() in page


def test_a_page_whose_cursor_has_expired_links_to_the_first_page(client: TestClient) -> None:
    path = "/embed/feed?reader=r%261&limit=1&cursor=expired"
    problem = client.get(path, headers={"Accept": "text/html", "Accept-Language": "da"})
    assert problem.status_code == 422
    link = re.search(r'class="main" href="([^"]+)">Vis den første side<', problem.text)
    assert link is not None
    first = client.get(urljoin(path, link[1].replace("&amp;", "&")))
    assert first.status_code == 200
    assert len(re.findall("<h2>", first.text)) == 1


def test_pages_are_personal_and_never_kept(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_only_a_feed_for_frames_can_be_framed(client: TestClient) -> None:
    assert policy(client, "/")["frame-ancestors"] == "'none'"
    assert policy(client, "/embed/feed?reader=r1")["frame-ancestors"].startswith("'self' http://localhost:*")


def test_pages_of_site_keys_may_frame_a_feed(
    client: TestClient, new_key: Callable[..., str], serve: MakeClient
) -> None:
    new_key(Scope.SITE)
    key = new_key(Scope.READ)
    found = policy(serve(), "/embed/feed?reader=r1", **bearer(key))
    assert found["frame-ancestors"] == f"'self' {ORIGIN}"


@pytest.mark.parametrize("path", ["/read?id=a1", "/embed/feed?reader=r1"])
def test_texts_of_articles_are_escaped(client: TestClient, path: str) -> None:
    body = client.get(path).text
    assert "One &lt;script&gt;" in body
    assert MARKUP not in body
    assert "javascript:" not in body


def test_an_article_has_its_text_in_paragraphs_and_related_articles(client: TestClient) -> None:
    body = client.get("/read?id=a1").text
    assert re.search(r"<p>First</p>\s+<p>&lt;script", body)
    assert "read?id=a%2F3" in body or "read?id=a/3" in body
    assert 'data-attune-article="a1"' in body


def test_an_unknown_article_is_not_found(client: TestClient) -> None:
    answer = client.get("/read?id=none")
    assert answer.status_code == 404
    assert "There is no such article" in answer.text
    assert "data-signed-in" not in answer.text, "it is shown before anybody signs in"


def test_known_readers_are_offered_before_the_first_key_only(
    client: TestClient, new_key: Callable[..., str], serve: MakeClient
) -> None:
    event = {"reader": "r<1>", "article": "a1", "kind": "click"}
    client.post("/v1/events", json={"events": [event]}).raise_for_status()
    assert "r&lt;1&gt;" in client.get("/").text
    new_key(Scope.READ)
    body = serve().get("/").text
    assert "r&lt;1&gt;" not in body
    assert "Reader token" in body


def test_pseudonyms_are_not_offered_as_readers(client: TestClient, serve: MakeClient) -> None:
    event = {"reader": "r1", "article": "a1", "kind": "click"}
    client.post("/v1/events", json={"events": [event]}).raise_for_status()
    body = serve(base_url="http://127.0.0.1", pseudonym_key=SecretStr("k" * 32)).get("/").text
    assert "Whose feed?" in body
    assert "data-known" not in body


def test_on_an_address_that_others_can_reach_nothing_is_open(serve: MakeClient) -> None:
    client = serve(base_url="http://192.0.2.7")
    assert "Reader token" in client.get("/").text
    assert client.get("/read?id=a1").status_code == 403
    assert client.get("/embed/feed?reader=r1").status_code == 401


def test_texts_are_not_shown_once_keys_exist(
    client: TestClient, new_key: Callable[..., str], serve: MakeClient
) -> None:
    new_key(Scope.READ)
    answer = serve().get("/read?id=a1")
    assert answer.status_code == 403
    assert "First" not in answer.text


def test_a_token_in_the_address_is_enough_for_a_frame_and_names_its_reader(
    client: TestClient, new_key: Callable[..., str], serve: MakeClient
) -> None:
    key = new_key(Scope.WRITE)
    keyed = serve()
    token = keyed.post("/v1/reader-tokens", json={"reader": "r1"}, headers=bearer(key)).json()["token"]
    shown = keyed.get("/embed/feed", params={"token": token, "lang": "da-DK"})
    assert shown.status_code == 200
    assert "<h1>Dine nyheder</h1>" in shown.text
    assert keyed.get("/embed/feed", headers=bearer(token)).status_code == 200
    assert keyed.get("/embed/feed?token=wrong").status_code == 401
    missing = keyed.get("/embed/feed")
    assert missing.status_code == 401 and missing.json()["detail"].startswith("add ?token=… with a reader token")
    assert "send a valid key" in keyed.get("/embed/feed", headers={"X-API-Key": "wrong"}).json()["detail"]
    assert keyed.get("/embed/feed", params={"token": token, "reader": "r2"}).status_code == 422
    assert keyed.get("/embed/feed?reader=r2", headers=bearer(token)).status_code == 403


@pytest.mark.parametrize("language", ["fr", "da-DK", "../../x", "zh", "DE"])
def test_reasons_are_shown_in_any_requested_language(client: TestClient, language: str) -> None:
    answer = client.get("/embed/feed", params={"reader": "r1", "lang": language})
    assert answer.status_code == 200
    assert len(re.findall("<h2>", answer.text)) == len(ROWS)


def test_the_next_page_of_a_frame_continues_the_feed(client: TestClient) -> None:
    titles: list[str] = []
    path: str | None = "/embed/feed?reader=r1&limit=1"
    for _ in ROWS:
        assert path is not None
        body = client.get(path).text
        titles += re.findall(r"<h2>.*?>([^<]+)<", body)
        more = re.search(r'class="main" href="([^"]+)"', body)
        path = more and "/embed/feed" + more[1].replace("&amp;", "&")
    assert sorted(title[:3] for title in titles) == ["One", "Thr", "Two"]


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "minutes=0", "colour=red", "lang=" + "x" * 36, ""])
def test_a_frame_with_other_parameters_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/embed/feed?{query}").status_code == 422


def test_pages_are_not_part_of_the_api(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert not {"/", "/attention", "/read", "/embed/feed"} & paths.keys()
