"""The clients against a running service."""

import time

import pytest
from attune_client import AttuneClientError

from tests.unit.api.client.conftest import ARTICLES
from tests.unit.api.client.drivers import Call, client


def test_a_client_feeds_learns_explains_and_erases(call: Call, name: str) -> None:
    reader = f"{name}/ä ?#%2F"
    assert call("articles", ARTICLES)["duplicates"] + call("articles", ARTICLES)["accepted"] > 0
    deadline = time.monotonic() + 30
    while len((page := call("feed", reader, limit=4, explore=0))["items"]) < 4:
        assert time.monotonic() < deadline
    assert page["reader"] == reader
    following = call("feed", reader, cursor=page["cursor"])
    assert not {item["id"] for item in page["items"]} & {item["id"] for item in following["items"]}
    events = [
        {"reader": reader, "article": "a1", "kind": "click", "request_id": page["request_id"]},
        {"reader": reader, "article": "a1", "kind": "read", "value": 60},
    ]
    assert call("events", events)["accepted"] == 2
    without = call("feed", reader, explore=0, exclude=["a2", "a3"], preview=True)
    assert {item["id"] for item in without["items"]}.isdisjoint({"a1", "a2", "a3"})
    ranked = call("rank", ["a0", "a3"], history=["a1", {"id": "a5", "seconds": 30.5}], explain=True)
    assert {item["id"] for item in ranked["items"]} == {"a0", "a3"}
    texts = [reason["text"] for item in ranked["items"] for reason in item["reasons"]]
    assert any(text.startswith("Fordi du ") or text == "Ny" for text in texts), "in the language of the client"
    assert call("preferences", reader, follow=["sport"])["follow"] == ["sport"]
    attention = call("attention", reader)
    assert [read["article"] for read in attention["reads"]] == ["a1"]
    assert attention["preferences"]["follow"] == ["sport"]
    assert call("export", reader)["reader"] == reader
    assert call("erase", reader)["counts"]["events"] >= 2
    assert call("attention", reader)["reads"] == []


def test_a_reader_token_is_enough_for_the_own_feed(call: Call, name: str, service: tuple[str, str]) -> None:
    token = call("reader_token", "r42", 60)["token"]
    with client(name, service[0], token) as page:
        assert page("feed")["reader"] == "r42"
        with pytest.raises(AttuneClientError) as refused:
            page("attention", "another")
    assert refused.value.status == 403
    assert "own reader" in refused.value.problem["detail"]


def test_an_error_holds_the_problem_document(call: Call) -> None:
    with pytest.raises(AttuneClientError) as found:
        call("feed", "r", limit=0)
    assert found.value.status == 422
    assert found.value.problem["title"] == "The request is not valid"
    assert "limit" in str(found.value)
