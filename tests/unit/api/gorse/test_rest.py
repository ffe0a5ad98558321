"""Routes that clients of Gorse other than PyGorse call."""

import time
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.application.scopes import Scope
from api.gorse.feedback_kinds import kinds_of
from recsys.errors import ConfigError
from recsys.store import withdrawals
from tests.unit.api.conftest import MakeClient

AT = "2024-03-01T08:00:00Z"


TOO_LONG = "ü" * 300
"""An id of few enough characters, but of too many bytes."""


@pytest.fixture
def client(serve: MakeClient) -> TestClient:
    started = serve()
    items = [
        {
            "ItemId": f"i{n}",
            "Comment": f"story {n}",
            "Categories": ["a" if n % 2 else "b"],
            "Timestamp": f"2024-02-0{n}",
        }
        for n in range(1, 7)
    ]
    assert started.post("/api/items", json=items).json() == {"RowAffected": 6}
    while len(started.get("/api/latest").json()) < 6:
        time.sleep(0.05)
    return started


def row(value: float, at: str = AT, item: str = "i1", kind: str = "read") -> dict[str, Any]:
    return {"FeedbackType": kind, "UserId": "u", "ItemId": item, "Timestamp": at, "Value": value}


def test_putting_replaces_what_posting_added_and_the_state_with_it(client: TestClient) -> None:
    client.post("/api/feedback", json=[row(10), row(20, "2024-03-02"), row(1, kind="like")])
    assert client.get("/api/feedback/read/u/i1").json()["Value"] == 30
    assert client.put("/api/feedback", json=[row(3), row(5)]).json() == {"RowAffected": 2}
    assert client.get("/api/feedback/read/u/i1").json()["Value"] == 5
    assert [each["FeedbackType"] for each in client.get("/api/feedback/u/i1").json()] == ["like", "read"]
    (read,) = client.get("/v1/readers/u/attention").json()["reads"]
    assert read["seconds"] == 5
    assert client.delete("/api/feedback/read/u/i1").json() == {"RowAffected": 1}
    assert client.get("/api/feedback/read/u/i1").status_code == 404
    assert client.delete("/api/feedback/u/i1").json() == {"RowAffected": 1}
    assert client.get("/v1/readers/u/attention").json()["reads"] == []


def test_feedback_is_listed_by_type_and_item(client: TestClient) -> None:
    client.post("/api/feedback", json=[row(10), row(1, item="i2", kind="like")])
    client.post("/v1/events", json={"events": [{"reader": "v", "article": "i1", "kind": "save"}]})
    assert [each["UserId"] for each in client.get("/api/item/i1/feedback").json()] == ["u", "v"]
    assert [each["UserId"] for each in client.get("/api/item/i1/feedback/save").json()] == ["v"]
    assert [each["ItemId"] for each in client.get("/api/user/u/feedback").json()] == ["i1", "i2"]
    page = client.get("/api/feedback/like", params={"n": 5}).json()
    assert (page["Cursor"], [each["ItemId"] for each in page["Feedback"]]) == ("", ["i2"])


def test_lists_are_scored_and_by_category(client: TestClient) -> None:
    newest = client.get("/api/latest", params={"n": 2, "offset": 1}).json()
    assert [each["Id"] for each in newest] == ["i5", "i4"]
    assert newest[0]["Score"] == newest[1]["Score"] + 86_400
    assert [each["Id"] for each in client.get("/api/latest/a").json()] == ["i5", "i3", "i1"]
    client.post("/api/feedback", json=[row(0, kind="click")])
    popular = client.get("/api/popular").json()
    assert popular[0]["Id"] == "i1"
    assert popular[0]["Score"] > popular[1]["Score"] == 0
    assert client.get("/api/non-personalized/popular/").json()[0]["Id"] == "i1"
    assert client.get("/api/non-personalized/other").status_code == 404


def test_without_a_version_recommendations_are_ids(client: TestClient) -> None:
    found = client.get("/api/recommend/u", params={"n": 3}).json()
    assert len(found) == 3
    assert all(isinstance(each, str) for each in found)
    assert set(client.get("/api/recommend/u/a").json()) == {"i1", "i3", "i5"}
    assert client.get("/api/recommend/u", params={"n": 0}).json() == []


def test_categories_are_put_and_taken(client: TestClient) -> None:
    assert client.put("/api/item/i1/category/x").json() == {"RowAffected": 1}
    assert client.put("/api/item/i1/category/x").json() == {"RowAffected": 0}
    assert client.get("/api/item/i1").json()["Categories"] == ["a", "x"]
    assert client.delete("/api/item/i1/category/a").json() == {"RowAffected": 1}
    assert client.get("/v1/articles/i1").json()["category"] == "x"
    assert client.put("/api/item/none/category/x").status_code == 404


def test_a_patch_keeps_what_v1_stored(client: TestClient) -> None:
    article = {"id": "v1", "title": "Title", "abstract": "Abstract", "body": "Body", "category": "c"}
    client.post("/v1/articles", json={"articles": [article]})
    assert client.get("/api/item/v1").json()["Comment"] == "Title"
    client.patch("/api/item/v1", json={"IsHidden": True, "Labels": ["l"]})
    assert client.get("/v1/articles/v1").status_code == 404
    client.patch("/api/item/v1", json={"IsHidden": False})
    reported = client.get("/v1/articles/v1").json()
    assert {name: reported[name] for name in article} == article
    assert reported["entities"] == ["l"]


def test_a_hidden_item_stays_hidden_until_it_is_shown_on_purpose(client: TestClient) -> None:
    client.post("/api/item", json={"ItemId": "h", "IsHidden": True, "Comment": "first"})
    again: list[tuple[str, str, Any]] = [
        ("POST", "/v1/articles", {"articles": [{"id": "h", "title": "second"}]}),
        ("POST", "/api/item", {"ItemId": "h", "Comment": "third"}),
        ("PATCH", "/api/item/h", {"Comment": "fourth"}),
        ("PUT", "/api/item/h/category/x", None),
    ]
    for method, path, body in again:
        client.request(method, path, json=body).raise_for_status()
        assert client.get("/api/item/h").json()["IsHidden"], (method, path)
        assert client.get("/v1/articles/h").status_code == 404
    assert client.get("/api/items", params={"q": "fourth"}).json()["Items"][0]["IsHidden"]
    client.post("/api/item", json={"ItemId": "h", "IsHidden": False, "Comment": "fifth"})
    assert not client.get("/api/item/h").json()["IsHidden"]
    assert client.get("/v1/articles/h").json()["title"] == "fifth"


def test_a_deleted_item_stays_away_until_it_is_shown_on_purpose(client: TestClient) -> None:
    client.delete("/api/item/i1")
    assert client.get("/api/item/i1").status_code == 404
    client.post("/v1/articles", json={"articles": [{"id": "i1", "title": "again"}]})
    assert client.get("/v1/articles/i1").status_code == 404
    assert client.get("/api/item/i1").json()["IsHidden"]
    client.patch("/api/item/i1", json={"IsHidden": False})
    assert client.get("/v1/articles/i1").json()["title"] == "again"


def test_an_article_withdrawn_over_v1_is_a_hidden_item(client: TestClient) -> None:
    client.delete("/v1/articles/i1").raise_for_status()
    assert client.get("/api/item/i1").json()["IsHidden"]
    client.patch("/api/item/i1", json={"IsHidden": False}).raise_for_status()
    assert client.get("/v1/articles/i1").status_code == 200


def test_a_refused_hidden_item_is_not_hidden(client: TestClient) -> None:
    bad = {"ItemId": TOO_LONG, "IsHidden": True}
    assert client.post("/api/item", json=bad).status_code == 422
    with client.app.state.application.database.read() as connection:  # type: ignore[attr-defined]
        assert withdrawals.withdrawn(connection, [TOO_LONG]) == set()


def test_a_refused_row_of_a_batch_is_named_by_its_item(client: TestClient) -> None:
    late = "2999-01-01T00:00:00Z"
    items = [{"ItemId": "i1", "IsHidden": True}, {"ItemId": "i2"}, {"ItemId": "i2"}]
    items += [{"ItemId": f"{TOO_LONG}{n}"} for n in range(2)]
    reported = client.post("/api/items", json=items)
    assert reported.status_code == 422
    assert reported.json()["detail"].startswith(f"item '{TOO_LONG}0' and 1 more: id: longer than 512 bytes")
    reported = client.put("/api/feedback", json=[row(3), row(5), row(1, late, item="i9")])
    assert reported.status_code == 422
    assert reported.json()["detail"].startswith("feedback to item 'i9': at: in the future")


def test_a_user_is_patched(client: TestClient) -> None:
    assert client.patch("/api/user/u", json={"Comment": "x"}).status_code == 404
    client.post("/api/user", json={"UserId": "u", "Labels": ["a"]})
    client.patch("/api/user/u", json={"Comment": "x"})
    assert client.get("/api/user/u").json() == {"UserId": "u", "Labels": ["a"], "Comment": "x"}


def test_health_needs_no_key_and_the_rest_the_scope_of_its_kind(serve: MakeClient, new_key: Any) -> None:
    key = {"X-API-Key": new_key(Scope.WRITE)}
    client = serve()
    assert client.get("/api/health/live").status_code == 200
    while (reported := client.get("/api/health/ready")).status_code != 200:
        assert reported.json()["DataStoreError"]
    assert reported.json()["Ready"] is True

    def status(answer: httpx.Response) -> int:
        return answer.status_code

    assert status(client.post("/api/user", json={"UserId": "u"}, headers=key)) == 200
    assert status(client.get("/api/user/u", headers=key)) == 200, "a key that writes also reads"
    assert status(client.delete("/api/user/u", headers=key)) == 403


def test_a_time_of_nothing_is_none_and_nonsense_is_refused(client: TestClient) -> None:
    for at in ("", "0001-01-01T00:00:00Z", None):
        assert client.post("/api/feedback", json=[{**row(1), "Timestamp": at}]).status_code == 200
    for bad in ({"Timestamp": "soon"}, {"Value": "much"}, {"ItemId": ""}, {"FeedbackType": "a b"}):
        assert client.post("/api/feedback", json=[{**row(1), **bad}]).status_code == 422, bad
    for cursor in ("x", "WyJhIl0=", "////"):
        assert client.get("/api/feedback", params={"cursor": cursor}).status_code == 422


def test_a_wrong_table_of_types_is_an_error() -> None:
    assert kinds_of(" a = click , b=like,") == {"a": "click", "b": "like"}
    for table in ("a", "a=follow", "=click", "a=glance"):
        with pytest.raises(ConfigError, match="ATTUNE_GORSE_FEEDBACK"):
            kinds_of(table)


def test_no_items_change_nothing(client: TestClient) -> None:
    assert client.post("/api/items", json=[]).json() == {"RowAffected": 0}
