"""Home timelines, from a server that answers as Mastodon's API documents it."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import polars as pl
import pytest

from ingest.sources.mastodon_timeline import MastodonTimeline, open_client
from recsys.errors import ConfigError, DataError
from tests.web_server import WebServer, page, web_server

HOME = "/api/v1/timelines/home?limit=40"


def account(acct: str) -> dict[str, Any]:
    name, _, host = acct.partition("@")
    return {"id": acct, "acct": acct, "username": name, "url": f"https://{host or 'social.example'}/@{name}"}


ANN, BOB = account("ann"), account("bob@other.example")


def post(number: int, content: str, by: dict[str, Any] = BOB, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": f"{by['url'].replace('/@', '/users/')}/statuses/{number}",
        "url": f"{by['url']}/{number}",
        "account": by,
        "content": content,
        "created_at": f"2024-05-0{number}T10:00:00.000Z",
        "visibility": "public",
        "spoiler_text": "",
        "language": "en",
        "in_reply_to_id": None,
        "reblog": None,
        "tags": [],
        "media_attachments": [],
        "favourited": False,
        "bookmarked": False,
        **fields,
    }


EELS = post(
    1,
    "<p>Tides &amp; <b>eels</b></p>",
    tags=[{"name": "eels", "url": "https://other.example/tags/eels"}],
    favourited=True,
    media_attachments=[{"id": "1", "type": "image", "preview_url": "https://other.example/eel.png"}],
)
FIRST_PAGE = [
    post(5, "", by=ANN, reblog=post(4, "<p>inside</p>", spoiler_text="Careful", bookmarked=True)),
    post(3, "<p>secret</p>", visibility="private"),
]
SECOND_PAGE = [post(2, "<p>I saw them</p>", by=ANN, in_reply_to_id="1"), EELS]


def as_json(content: object, **headers: str) -> Any:
    return page(json.dumps(content).encode(), Content_Type="application/json", **headers)


@pytest.fixture
def server() -> Any:
    with web_server() as server:
        older = f"{server.url('/api/v1/timelines/home')}?limit=40&max_id=3"
        server.pages |= {
            "/api/v1/accounts/verify_credentials": as_json(ANN),
            HOME: as_json(FIRST_PAGE, Link=f'<{older}>; rel="next"'),
            "/api/v1/timelines/home?limit=40&max_id=3": as_json(SECOND_PAGE),
            "/api/v1/accounts/ann/following?limit=80": as_json([BOB]),
        }
        yield server


def timeline(server: WebServer, pages: int = 20) -> MastodonTimeline:
    return MastodonTimeline(open_client(server.url(""), "token", "test"), pages)


def rows(source: MastodonTimeline) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    batches = list(source.batches(0))
    return tuple(
        pl.concat([getattr(batch, name) for batch in batches]) for name in ("articles", "events", "rejects")
    )


def test_posts_become_articles_and_actions_become_events(server: WebServer) -> None:
    articles, events, rejects = rows(timeline(server))
    posts = {row["id"].rpartition("/")[2]: row for row in articles.iter_rows(named=True)}
    assert set(posts) == {"1", "2", "4"}, "a boost is no post, and a message to followers stays private"
    eels = posts["1"]
    assert (eels["title"], eels["author"], eels["entities"]) == ("Tides & eels", "bob@other.example", ["eels"])
    assert eels["image_url"] == "https://other.example/eel.png"
    assert posts["2"]["author"] == "ann@social.example"
    assert posts["2"]["reply_to"] == eels["id"] == "https://other.example/users/bob/statuses/1"
    assert posts["4"]["title"] == "Careful"
    about = pl.coalesce("subject", pl.col("article").str.split("/").list.last())
    assert sorted(events.select("kind", about).rows()) == [
        ("comment", "1"), ("follow", "bob@other.example"), ("like", "1"), ("save", "4"), ("share", "4"),
    ]  # fmt: skip
    assert events["reader"].unique().to_list() == ["ann@social.example"]
    assert events["problem"].is_null().all() and articles["problem"].is_null().all()
    assert rejects["reason"].to_list() == ["activity: not public"]
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer token"}


def test_the_owner_has_one_name_on_a_server_that_names_its_port_everywhere_but_there(server: WebServer) -> None:
    # as snac answers: its own accounts have a host, with the port, but for the account of the token
    ann = {**account("ann@social.example:8443"), "url": "https://social.example:8443/ann"}
    server.pages["/api/v1/accounts/verify_credentials"] = as_json({**ann, "id": "ann", "acct": "ann"})
    server.pages[HOME] = as_json([post(2, "<p>I saw them</p>", by=ann, in_reply_to_id="1"), EELS])
    articles, events, _ = rows(timeline(server))
    assert events.sort("kind").select("kind", "reader").rows() == [
        (kind, "ann@social.example:8443") for kind in ("comment", "follow", "like")
    ]
    assert articles["author"][0] == "ann@social.example:8443"


def test_boosts_without_an_id_of_their_own_differ_by_who_boosts(server: WebServer) -> None:
    # as snac answers: a boost has the id and the time of its post, and an address under the account of the token
    def share(booster: dict[str, Any], owner: str) -> dict[str, object]:
        boost = {**EELS, "account": booster, "uri": f"https://social.example/{owner}/d/1/Announce", "reblog": EELS}
        server.pages[HOME] = as_json([post(3, "<p>newer</p>"), boost])
        return rows(timeline(server))[1].filter(pl.col("kind") == "share").row(0, named=True)

    ann, bob = share(ANN, "ann"), share(BOB, "ann")
    assert ann["id"] != bob["id"]
    assert (ann["reader"], bob["reader"]) == ("ann@social.example", "bob@other.example")
    assert share(BOB, "cyd")["id"] == bob["id"], "one boost in two timelines"
    assert ann["at"] == 1_714_730_400_000_000, "the time of the newest post: its own is not known"


def test_only_the_wanted_pages_are_read_and_the_same_posts_have_one_fingerprint(server: WebServer) -> None:
    first = timeline(server, pages=1)
    assert rows(first)[0]["title"].to_list() == ["Careful"]
    assert first.fingerprint == timeline(server, pages=1).fingerprint != timeline(server).fingerprint


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, "refuses the token"),
        (403, "refuses the token"),  # Mastodon: a token without the scope
        (422, "refuses the token"),  # snac: an unknown token; Mastodon: a token without an account
        (503, "cannot be read: status 503 "),
        (200, "cannot be read"),
    ],
)
@pytest.mark.parametrize("path", [HOME, "/api/v1/accounts/verify_credentials"])
def test_a_server_that_fails_is_an_error_that_names_the_fix(
    server: WebServer, path: str, status: int, problem: str
) -> None:
    server.pages[path] = page(b"<html>no JSON</html>", status)
    with pytest.raises(DataError, match=problem):
        timeline(server)


def test_a_connection_that_breaks_is_tried_again(server: WebServer) -> None:
    answered = server.pages[HOME]

    def broken_once(handler: BaseHTTPRequestHandler) -> None:
        server.pages[HOME] = answered
        handler.close_connection = True  # without an answer, as a server that has closed the connection

    server.pages[HOME] = broken_once
    assert rows(timeline(server))[0].height == 3


def test_the_reason_for_which_a_server_refuses_a_token_is_shown(server: WebServer) -> None:
    refusal = {"error": "This action is outside the authorized scopes"}
    answer = page(json.dumps(refusal).encode(), 403, Content_Type="application/json")
    server.pages["/api/v1/accounts/verify_credentials"] = answer
    with pytest.raises(DataError, match=r"refuses the token \(status 403 .*, This action is outside .*scope read"):
        timeline(server)


@pytest.mark.parametrize(
    "odd",
    [
        None, "text", [], 7, {}, {"id": "9"},
        *({**EELS, name: None} for name in ("account", "content", "created_at", "uri", "visibility")),
        *({**EELS, name: {}} for name in ("account", "created_at", "uri")),
        {**EELS, "created_at": "0001-01-01T00:00:00+14:00"}, {**EELS, "created_at": "soon"},
        {**EELS, "tags": [None]}, {**EELS, "tags": "abc"}, {**EELS, "reblog": "text"},
        {**EELS, "account": account("")},
        {**EELS, "media_attachments": [{"type": "image"}, "odd"]},
    ],
)  # fmt: skip
def test_an_odd_post_is_rejected_and_the_others_are_stored(server: WebServer, odd: object) -> None:
    server.pages[HOME] = as_json([odd, post(6, "<p>fine</p>")])
    articles, events, rejects = rows(timeline(server))
    assert articles["title"].to_list() == ["fine"]
    assert events["kind"].to_list() == ["follow"]
    assert rejects["reason"].to_list() == ["activity: neither a post nor a boost"]


@pytest.mark.parametrize("odd", [None, "text", {"id": "9"}, 7])
def test_an_odd_account_is_an_error_of_one_line(server: WebServer, odd: object) -> None:
    server.pages["/api/v1/accounts/verify_credentials"] = as_json(odd)
    with pytest.raises(DataError) as raised:
        timeline(server)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("odd", [None, [], "text", {"id": "9"}])
def test_an_odd_page_has_no_posts(server: WebServer, odd: object) -> None:
    server.pages[HOME] = as_json(odd)
    articles, events, _ = rows(timeline(server))
    assert articles.is_empty()
    assert events["kind"].to_list() == ["follow"]


def test_a_timeline_without_public_posts_keeps_the_follows(server: WebServer) -> None:
    server.pages[HOME] = as_json([post(3, "<p>secret</p>", visibility="private")])
    _, events, rejects = rows(timeline(server))
    assert (events["kind"].to_list(), events["problem"].null_count()) == (["follow"], 1)
    assert rejects["reason"].to_list() == ["activity: not public"]


def test_pages_of_accounts_that_repeat_come_to_an_end(server: WebServer) -> None:
    following = "/api/v1/accounts/ann/following?limit=80"
    server.pages[following] = as_json([BOB], Link=f'<{server.url(following)}&max_id=1>; rel="next"')
    server.pages[f"{following}&max_id=1"] = server.pages[following]
    assert rows(timeline(server))[1].filter(pl.col("kind") == "follow")["subject"].unique().to_list() == [
        BOB["acct"]
    ]


@pytest.mark.parametrize("token", ["s3cret\n", "s3 cret", "s\u00e9cret"])
def test_a_token_with_odd_characters_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ConfigError, match="ATTUNE_MASTODON_TOKEN") as raised:
        open_client("https://social.example", token, "test")
    assert token not in str(raised.value)


@pytest.mark.parametrize(
    "server", ["http://social.example", "https://me:hunter2@social.example", "https:", "", "social"]
)
def test_a_token_is_only_sent_to_the_server_itself_and_encrypted(server: str) -> None:
    with pytest.raises(ConfigError, match="https://HOST") as raised:
        open_client(server, "token", "test")
    assert "hunter2" not in str(raised.value)


def test_a_server_that_is_away_is_an_error_of_one_line() -> None:
    with web_server() as server:
        gone = open_client(server.url(""), "token", "test")
    with pytest.raises(DataError, match="Connection refused; check the address"):
        MastodonTimeline(gone, 1)
