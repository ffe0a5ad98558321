"""Impressions, clicks and reactions."""

import re

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.collector import Collector
from tests.browser.conftest import Open
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser-items")

STYLE = "<style>a { display: block; height: 200px }</style>"


def link(article: str, request: str = "q1", position: int | None = None, more: str = "") -> str:
    at = "" if position is None else f" data-attune-position='{position}'"
    data = f"data-attune-item='{article}' data-attune-request='{request}'{at}"
    return f"<a href='/{article}' {data} {more}>{article}</a>"


def shown(service: Collector) -> list[str]:
    return [event["article"] for event in service.events("impression")]


def test_an_item_counts_as_shown_after_a_second_half_in_the_window(
    service: Collector, site: Site, open_tab: Open
) -> None:
    gap = "<div style='height:{}px'></div>".format
    page = open_tab(site.put("list", STYLE + link("a7", position=0) + gap(2_000) + link("b8") + gap(2_000)))
    page.wait_for_timeout(400)
    page.evaluate("scrollTo(0, 2100)")  # a7 is gone before its second is over
    page.wait_for_timeout(400)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1_200)
    # 90 of the 200 pixels of b8
    page.evaluate("scrollTo(0, 2200 + 90 - innerHeight)")
    page.wait_for_timeout(1_200)
    page.evaluate("attune.flush()")
    assert shown(service) == ["a7"]
    [event] = service.events("impression")
    assert event.keys() == {"id", "kind", "article", "request_id", "position", "at"}
    assert (event["request_id"], event["position"]) == ("q1", 0)
    page.evaluate("scrollTo(0, 2200 + 110 - innerHeight)")
    page.wait_for_timeout(1_200)
    page.evaluate("attune.flush()")
    assert shown(service) == ["a7", "b8"]


def test_an_item_is_shown_once_for_each_request_of_a_page_view(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", STYLE + link("a7")))
    page.wait_for_timeout(1_200)
    browser.new_page().close()
    page.bring_to_front()
    page.evaluate("document.body.insertAdjacentHTML('beforeend', document.querySelector('a').outerHTML)")
    page.wait_for_timeout(1_200)
    page.evaluate("attune.flush()")
    assert shown(service) == ["a7"]
    page.evaluate("document.querySelector('a').dataset.attuneRequest = 'q2'")
    page.wait_for_timeout(2_500)
    page.evaluate("attune.flush()")
    assert [event["request_id"] for event in service.events("impression")] == ["q1", "q2"]


def test_nothing_is_shown_in_a_hidden_tab(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", STYLE + link("a7")))
    page.wait_for_timeout(300)
    other = browser.new_page()
    other.wait_for_timeout(1_500)
    page.evaluate("attune.flush()")
    assert shown(service) == []
    page.bring_to_front()
    page.wait_for_timeout(1_200)
    page.evaluate("attune.flush()")
    assert shown(service) == ["a7"]
    other.close()


def test_a_click_that_leaves_the_page_arrives_with_its_request(
    service: Collector, site: Site, open_tab: Open
) -> None:
    site.article("a7")
    page = open_tab(site.put("list", STYLE + link("a7", position=3)))
    page.click("a")
    page.wait_for_url("**/a7")
    service.wait(lambda: service.events("click"))
    [event] = service.events("click")
    assert (event["article"], event["request_id"], event["position"]) == ("a7", "q1", 3)


def test_a_middle_click_opens_an_article_and_a_right_click_does_not(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    site.article("a7")
    page = open_tab(site.put("list", STYLE + link("a7") + link("b8")))
    page.click("text=b8", button="right")
    with browser.expect_page() as opened:
        page.click("text=a7", button="middle")
    opened.value.close()
    page.bring_to_front()
    page.evaluate("attune.flush()")
    assert [event["article"] for event in service.events("click")] == ["a7"]


def test_a_double_click_is_one_click(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("list", STYLE + link("a7", more="onclick='return false'")))
    page.dblclick("a")
    page.evaluate("attune.flush()")
    assert len(service.events("click")) == 1


def test_reactions_are_on_the_item_or_article_around_them(service: Collector, site: Site, open_tab: Open) -> None:
    button = "<button type='button' data-attune-action='{0}'>{0}</button>".format
    item = f"<div data-attune-item='b8' data-attune-request='q1'>{button('hide')}</div>"
    own = f"<article data-attune-article='a7'>{button('like')}{button('explode')}</article>{button('save')}"
    page = open_tab(site.put("a7", item + own))
    for name in ("hide", "like", "save", "explode"):
        page.click(f"text={name}")
    page.evaluate("attune.flush()")
    found = [(event["kind"], event["article"], event.get("request_id")) for event in service.events()]
    assert [each for each in found if each[0] != "read" and each[0] != "scroll"] == [
        ("hide", "b8", "q1"),
        ("like", "a7", None),
        ("save", "a7", None),
    ]


def test_a_page_sends_events_of_its_own(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("player", ""))
    page.evaluate("attune.event('read', 'video-1', 42.5); attune.event('share', 'video-1')")
    page.evaluate("attune.flush()")
    first, second = service.events()
    assert (first["kind"], first["article"], first["value"]) == ("read", "video-1", 42.5)
    assert (second["kind"], second.get("value")) == ("share", None)
    assert all(re.fullmatch(r"[\w-]{22}", event["id"]) for event in (first, second))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"])
