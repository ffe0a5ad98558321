from dataclasses import replace

import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, Event, EventKind, Slate
from recsys.insight.category_affinity import category_affinities
from recsys.insight.reader_profile import attention_profile
from recsys.state.live_state import LiveState
from tests.unit.feed.newsrooms import NOW, did, engine, folded, papers, read, shown

SPORT, WORLD, MONEY = "a000", "a001", "a003"  # categories go in turn: sport, world, culture, money


def attribute_click(reader: str, article: str, hour: int, seconds: float) -> list[Event]:
    """A click on the slate of so many hours ago, and its reading."""
    click, reading, _ = read(reader, article, hour * HOUR - 5 * MINUTE, seconds)
    return [replace(each, request_id=f"slate-{reader}-{hour * HOUR}") for each in (click, reading)]


def slates(*readers: str, hours: range) -> list[Slate]:
    """Slates of the first eight articles."""
    names = [f"a{i:03}" for i in range(8)]
    return [shown(reader, *names, ago=hour * HOUR) for reader in readers for hour in hours]


def affinities(state: LiveState, reader: str = "r") -> dict[str, float]:
    history = state.history(reader).article
    categories, found = category_affinities(state, state.readers.get(reader), history, NOW)
    return {state.catalog.categories.strings[code]: value for code, value in zip(categories, found, strict=True)}


def test_readers_who_never_came_have_no_tastes() -> None:
    assert affinities(folded(papers()), "nobody") == {}


def test_a_reader_without_clicks_has_no_taste() -> None:
    assert affinities(folded(papers(), [], slates("r", hours=range(2, 6)))) == {}


def test_articles_that_others_click_and_this_reader_passes_over_are_liked_least() -> None:
    clicks = [event for hour in range(2, 12) for event in attribute_click("s", WORLD, hour, 60.0)]
    mine = attribute_click("r", MONEY, 2, 60.0)
    found = affinities(folded(papers(), [*clicks, *mine], slates("r", "s", hours=range(2, 22))))
    assert set(found) == {"sport", "world", "culture", "money"}
    assert found["world"] < found["sport"] < 1 < found["money"]


def test_a_click_that_was_read_counts_more_than_one_that_was_left() -> None:
    events = [*attribute_click("r", SPORT, 2, 60.0), *attribute_click("r", WORLD, 3, 3.0)]
    found = affinities(folded(papers(), events, slates("r", hours=range(2, 6))))
    assert found["sport"] > found["world"] > found["money"]


def test_readings_that_no_slate_showed_count_too() -> None:
    state = folded(papers(), [*read("r", "a000"), *read("r", "a004", 2 * HOUR), *read("r", "a001", 3 * HOUR)])
    assert affinities(state) == {"sport": pytest.approx(6 / 4), "world": pytest.approx(5 / 4)}


def test_an_article_without_category_is_no_taste() -> None:
    assert affinities(folded(papers(category=None), read("r", "a000"))) == {}


def test_the_profile_has_categories_by_taste_and_the_shares_sum_to_one() -> None:
    events = [*read("r", "a000"), *read("r", "a004", 2 * HOUR), did("r", EventKind.CLICK, "a001", 3 * HOUR)]
    reported = attention_profile(engine(papers(), events), "r", NOW)["categories"]
    assert [each["name"] for each in reported] == ["sport", "world"]
    assert np.sum([each["weight"] for each in reported]) == pytest.approx(1)
