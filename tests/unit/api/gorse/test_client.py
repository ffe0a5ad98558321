"""Gorse's own Python client against a live service, unmodified."""

import asyncio
import uuid
from typing import Any

import pytest
from gorse import AsyncGorse, Gorse, GorseException

from tests.unit.api.gorse.conftest import ITEMS

AT = "2024-03-01T08:00:00Z"


@pytest.fixture
def user(gorse: Gorse) -> str:
    """A user of this test alone."""
    name = f"user-{uuid.uuid4().hex}"
    assert gorse.insert_user({"UserId": name, "Labels": {"age": 24, "likes": ["a"]}, "Comment": "mine"})
    return name


def ids(scored: list[Any]) -> list[str]:
    return [each["Id"] for each in scored]


def test_users_come_back_as_they_went_in(gorse: Gorse, user: str) -> None:
    assert gorse.get_user(user) == {"UserId": user, "Labels": {"age": 24, "likes": ["a"]}, "Comment": "mine"}
    assert gorse.insert_users([{"UserId": f"{user}-{i}"} for i in range(3)]) == {"RowAffected": 3}
    assert gorse.get_user(f"{user}-1") == {"UserId": f"{user}-1", "Labels": None, "Comment": ""}
    found, cursor = [], ""
    while True:
        page, cursor = gorse.get_users(2, cursor)
        found += [each["UserId"] for each in page]
        if not cursor:
            break
    assert found == sorted(set(found))
    assert {user, f"{user}-0", f"{user}-1", f"{user}-2"} <= set(found)


def test_a_deleted_user_is_gone_with_all_they_did(gorse: Gorse, user: str) -> None:
    gorse.insert_feedback("star", user, "tram:0", AT)
    assert gorse.delete_user(user) == {"RowAffected": 1}
    with pytest.raises(GorseException) as gone:
        gorse.get_user(user)
    assert gone.value.status_code == 404
    assert gorse.list_feedbacks("star", user) == []
    assert gorse.delete_user(user) == {"RowAffected": 0}


def test_items_come_back_as_they_went_in(gorse: Gorse) -> None:
    expected = {**ITEMS[0], "Timestamp": "2024-02-01T00:00:00.000000+00:00"}
    assert gorse.get_item("tram:0") == expected
    found, cursor = [], ""
    while True:
        page, cursor = gorse.get_items(5, cursor)
        found += [each["ItemId"] for each in page]
        if not cursor:
            break
    assert found == sorted(found)
    assert {each["ItemId"] for each in ITEMS} <= set(found)
    assert [each["ItemId"] for each in gorse.search_items("Cup story number 3")] == ["cup:3"]
    assert gorse.search_items("100%_") == []


def test_an_item_is_patched_hidden_shown_again_and_deleted(gorse: Gorse, user: str) -> None:
    gorse.insert_item({"ItemId": "once", "Comment": "once upon a time", "Categories": ["tale"], "Labels": ["x"]})
    assert gorse.update_item("once", labels=["y", "z"]) == {"RowAffected": 1}
    item = gorse.get_item("once")
    assert (item["Labels"], item["Categories"], item["Comment"]) == (["y", "z"], ["tale"], "once upon a time")
    assert item["Timestamp"].startswith("20"), "published on receipt"
    gorse.update_item("once", is_hidden=True)
    assert gorse.get_item("once") == {**item, "IsHidden": True}
    assert "once" in {each["ItemId"] for each in gorse.get_items(100)[0]}
    wait_for(gorse, user, "tale", 0)
    gorse.update_item("once", is_hidden=False)
    assert gorse.get_item("once") == item
    wait_for(gorse, user, "tale", 1)
    assert gorse.delete_item("once") == {"RowAffected": 1}
    with pytest.raises(GorseException) as gone:
        gorse.get_item("once")
    assert gone.value.status_code == 404
    wait_for(gorse, user, "tale", 0)
    assert gorse.delete_item("once") == {"RowAffected": 0}


def wait_for(gorse: Gorse, user: str, category: str, count: int) -> None:
    """Articles are taken in within a second or so."""
    for _ in range(20_000):
        if len(gorse.get_recommend(user, category)) == count:
            return
    raise AssertionError(f"there are never {count} of {category}")


def test_feedback_accumulates_is_listed_and_deleted(gorse: Gorse, user: str) -> None:
    row = {"FeedbackType": "read", "UserId": user, "ItemId": "tram:1", "Timestamp": AT, "Value": 30}
    later = {**row, "Timestamp": "2024-03-02T08:00:00Z", "Value": 12.5}
    assert gorse.insert_feedbacks([row, later]) == {"RowAffected": 2}
    assert gorse.insert_feedbacks([row]) == {"RowAffected": 1}, "again"
    assert gorse.insert_feedback("star", user, "cup:1", AT) == {"RowAffected": 1}
    reported = {"FeedbackType": "read", "UserId": user, "ItemId": "tram:1", "Value": 42.5}
    assert gorse.list_feedbacks("read", user) == [{**reported, "Timestamp": "2024-03-02T08:00:00.000000+00:00"}]
    assert [each["ItemId"] for each in gorse.list_feedbacks("star", user)] == ["cup:1"]
    everything, cursor = [], ""
    while True:
        page, cursor = gorse.get_feedbacks(1, cursor)
        everything += [(each["UserId"], each["ItemId"], each["FeedbackType"]) for each in page]
        if not cursor:
            break
    assert everything == sorted(set(everything))
    assert {(user, "tram:1", "read"), (user, "cup:1", "star")} <= set(everything)
    assert gorse.delete_feedback(user, "tram:1") == {"RowAffected": 2}
    assert gorse.list_feedbacks("read", user) == []
    assert len(gorse.list_feedbacks("star", user)) == 1


def test_a_read_without_a_duration_is_an_opening_and_keeps_its_type(gorse: Gorse, user: str) -> None:
    gorse.insert_feedback("read", user, "tram:2", AT)
    (reported,) = gorse.list_feedbacks("read", user)
    assert reported["Value"] == 0
    assert "tram:2" not in [each.id for each in gorse.get_recommend(user, n=50)]


def test_an_unknown_type_is_refused_with_the_fix_and_the_other_rows_are_stored(gorse: Gorse, user: str) -> None:
    rows = [
        {"FeedbackType": kind, "UserId": user, "ItemId": "tram:0", "Timestamp": AT} for kind in ("star", "glance")
    ]
    with pytest.raises(GorseException) as refused:
        gorse.insert_feedbacks(rows)
    assert refused.value.status_code == 422
    assert "glance=click" in refused.value.message.partition("ATTUNE_GORSE_FEEDBACK=")[2]
    assert len(gorse.list_feedbacks("star", user)) == 1


def test_types_mean_what_their_owners_mean(gorse: Gorse, user: str) -> None:
    kinds = ("impression", "view", "show", "click", "open", "star", "favorite", "upvote", "downvote")
    gorse.insert_feedbacks(
        [{"FeedbackType": kind, "UserId": user, "ItemId": "tram:0", "Timestamp": AT, "Value": 5} for kind in kinds]
    )
    assert [gorse.list_feedbacks(kind, user)[0]["Value"] for kind in kinds] == [5.0] * len(kinds)


def test_recommendations_are_scored_personal_paged_and_without_what_was_had(gorse: Gorse, user: str) -> None:
    gorse.insert_feedbacks(
        [{"FeedbackType": "star", "UserId": user, "ItemId": f"tram:{i}", "Timestamp": AT} for i in range(3)]
    )
    first = gorse.get_recommend(user, n=5)
    assert first[0].score == max(each.score for each in first), "caps may move others"
    assert not {"tram:0", "tram:1", "tram:2"} & {each.id for each in first}
    assert first[0].id.startswith("tram")
    second = gorse.get_recommend(user, n=5, offset=5)
    assert len({each.id for each in first} | {each.id for each in second}) == 10
    third = gorse.get_recommend(user, n=5, offset=10)
    assert len({each.id for each in (*first, *second, *third)}) == len(first) + len(second) + len(third)
    assert {each.id.split(":")[0] for each in gorse.get_recommend(user, "cup")} == {"cup"}


def test_written_back_articles_are_not_recommended_again_once_their_delay_is_over(gorse: Gorse, user: str) -> None:
    first = {each.id for each in gorse.get_recommend(user, n=3, write_back_type="read", write_back_delay="1h30m")}
    assert first <= {each.id for each in gorse.get_recommend(user, n=50)}, "its delay is not over"
    gone = {each.id for each in gorse.get_recommend(user, n=3, write_back_type="read")}
    assert not gone & {each.id for each in gorse.get_recommend(user, n=50)}
    with pytest.raises(GorseException):
        gorse.get_recommend(user, write_back_type="read", write_back_delay="soon")
    with pytest.raises(GorseException):
        gorse.get_recommend(user, write_back_type="glance")


def test_a_session_is_recommended_for_without_a_user(gorse: Gorse) -> None:
    rows = [{"FeedbackType": "read", "UserId": "", "ItemId": f"cup:{i}", "Timestamp": AT} for i in range(3)]
    before = {each["UserId"] for each in gorse.get_users(1_000)[0]}
    found = ids(gorse.session_recommend(rows, n=5))
    assert len(found) == 5
    assert not {"cup:0", "cup:1", "cup:2"} & set(found)
    assert sum(each.startswith("cup") for each in found) >= 3
    assert ids(gorse.session_recommend([], n=2))
    assert {each["UserId"] for each in gorse.get_users(1_000)[0]} == before


def test_neighbours_are_near_in_content_and_paged(gorse: Gorse) -> None:
    found = gorse.get_neighbors("tram:0", n=7)
    assert {each.split(":")[0] for each in ids(found)} == {"tram"}
    assert [each["Score"] for each in found] == sorted((each["Score"] for each in found), reverse=True)
    assert ids(gorse.get_neighbors("tram:0", n=3, offset=2)) == ids(found)[2:5]
    assert gorse.get_neighbors("nothing") == []


def test_a_wrong_key_is_refused(url: tuple[str, str]) -> None:
    for key in ("", "nonsense", "att_000000000000_" + "a" * 43):
        with pytest.raises(GorseException) as refused:
            Gorse(url[0], key).get_users(1)
        assert refused.value.status_code == 401


def test_the_asynchronous_client_works_too(url: tuple[str, str], gorse: Gorse, user: str) -> None:
    async def all_of_it() -> list[Any]:
        client = AsyncGorse(*url)
        await client.insert_feedback("like", user, "tram:3", AT)
        await client.insert_item({"ItemId": "async", "Comment": "async tale"})
        await client.delete_item("async")
        return list(await client.get_recommend(user, "tram"))

    assert {each.id.split(":")[0] for each in asyncio.run(all_of_it())} == {"tram"}
