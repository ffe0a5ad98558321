"""Engaged time and scroll depth, as scripted readers spend them."""

from datetime import date, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector
from tests.browser.conftest import Open
from tests.browser.site import Site, article
from tests.browser.stopwatch import Stopwatch

pytestmark = pytest.mark.xdist_group("browser-readings")


def hide(page: Page, browser: BrowserContext) -> Page:
    """Put another tab in front."""
    other = browser.new_page()
    page.wait_for_function("document.visibilityState === 'hidden'", polling=50)
    return other


def test_a_closed_tab_has_sent_its_engaged_seconds_and_scroll_depth(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.article("a7", height=4_000))
    watch = Stopwatch()
    page.wait_for_timeout(1_500)
    height = page.evaluate("innerHeight")
    page.mouse.wheel(0, 1_000)
    page.wait_for_timeout(1_000)
    page.close()
    watch.stop()
    service.wait(lambda: service.events("read") and service.events("scroll"))
    [(read, seconds)] = service.reads()
    assert read == "a7"
    assert watch.agrees(seconds)
    assert max(event["value"] for event in service.events("scroll")) == round((1_000 + height) / 40)


def test_a_reading_goes_on_after_a_switch_of_tabs_and_counts_nothing_meanwhile(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.article("a7"))
    watch = Stopwatch()
    for pause in (300, 2_200):
        page.wait_for_timeout(700)
        watch.stop()
        other = hide(page, browser)
        other.wait_for_timeout(pause)
        page.bring_to_front()
        watch.start()
        other.close()
    page.wait_for_timeout(500)
    watch.stop()
    page.close()
    service.wait(lambda: any(watch.agrees(seconds) for _, seconds in service.reads()))
    assert len(service.reads()) == 1, "one event a reading: later parts amend it"
    values = [event["value"] for event in service.raw() if event["kind"] == "read"]
    assert values == sorted(values)
    assert len(set(values)) > 1


def test_a_page_that_comes_back_from_the_cache_begins_a_new_reading(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.article("a7"))
    page.evaluate("addEventListener('pageshow', event => { window.persisted = event.persisted })")
    first, second, third = Stopwatch(), Stopwatch(), Stopwatch()
    page.wait_for_timeout(1_000)
    first.stop()
    page.goto(site.article("b8"))
    second.start()
    page.wait_for_timeout(1_300)
    second.stop()
    page.evaluate("history.back()")
    third.start()
    page.wait_for_function("window.persisted !== undefined")
    assert page.evaluate("window.persisted"), "the page did not come from the back/forward cache"
    page.wait_for_timeout(2_300)
    third.stop()
    page.close()
    service.wait(lambda: len(service.events("read")) == 3 and third.agrees(service.reads()[2][1]))
    reads = service.reads()
    assert [read for read, _ in reads] == ["a7", "b8", "a7"]
    assert [watch.agrees(seconds) for watch, (_, seconds) in zip((first, second, third), reads, strict=True)]


def test_single_page_navigation_ends_a_reading_and_begins_the_next(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.article("a7"))
    first, second = Stopwatch(), Stopwatch()
    page.wait_for_timeout(1_700)
    page.evaluate(
        """html => {
            history.pushState({}, "", "/b8");
            document.querySelector("article").outerHTML = html;
        }""",
        article("b8"),
    )
    first.stop()
    second.start()
    service.wait(lambda: service.events("read"))
    page.wait_for_timeout(1_200)
    page.evaluate("history.pushState({}, '', '/'); document.querySelector('article').remove()")
    second.stop()
    page.wait_for_timeout(1_000)  # a page without an article: no reading
    page.close()
    service.wait(lambda: len(service.events("read")) == 2)
    [(a, a_seconds), (b, b_seconds)] = service.reads()
    assert (a, b) == ("a7", "b8")
    assert first.agrees(a_seconds)
    assert abs(b_seconds - second.seconds) < 0.6, "the second after the article was removed does not count"


def test_an_attribute_that_changes_is_another_article(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.article("a7"))
    page.wait_for_timeout(700)
    page.evaluate("document.querySelector('article').dataset.attuneArticle = 'b8'")
    page.wait_for_timeout(700)
    page.close()
    service.wait(lambda: len(service.events("read")) == 2)
    assert [read for read, _ in service.reads()] == ["a7", "b8"]


def test_an_article_that_is_drawn_again_keeps_its_reading(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.article("a7"))
    page.wait_for_timeout(700)
    page.evaluate("html => { document.querySelector('article').outerHTML = html }", article("a7"))
    page.wait_for_timeout(700)
    page.close()
    service.wait(lambda: service.events("read"))
    [(_, seconds)] = service.reads()
    assert seconds >= 1.2


def test_of_several_articles_the_one_in_the_window_is_read(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("list", article("a7", 2_000) + article("b8", 2_000)))
    page.wait_for_timeout(600)
    page.evaluate("scrollTo(0, 2000)")
    page.wait_for_timeout(1_800)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    page.close()
    service.wait(lambda: len(service.events("read")) == 2)
    seconds = dict(service.reads())
    assert seconds["a7"] == pytest.approx(1.2, abs=0.5)
    assert seconds["b8"] == pytest.approx(1.8, abs=0.5)


def test_an_idle_reader_counts_for_fifteen_seconds(service: Collector, site: Site, emulated: Page) -> None:
    """With the page's clock moved by hand: the tracker reads no other."""
    emulated.clock.install()
    emulated.goto(site.article("a7"))
    emulated.wait_for_function("window.attune")
    emulated.clock.run_for(1_000)
    emulated.mouse.move(100, 100)
    emulated.clock.run_for(40_000)
    emulated.mouse.move(200, 200)
    emulated.clock.run_for(2_000)
    emulated.close()
    service.wait(lambda: any(seconds > 17 for _, seconds in service.reads()))
    [(_, seconds)] = service.reads()
    assert seconds == pytest.approx(18, abs=1)


def test_a_long_reading_is_sent_while_it_lasts(service: Collector, site: Site, emulated: Page) -> None:
    emulated.clock.install()
    emulated.goto(site.article("a7"))
    emulated.wait_for_function("window.attune")
    for step in range(4):
        emulated.mouse.move(100 + step, 100)
        emulated.clock.run_for(10_000)
    service.wait(lambda: any(seconds >= 25 for _, seconds in service.reads()))
    parts = [event for event in service.raw() if event["kind"] == "read"]
    assert len(parts) >= 2
    assert len({event["id"] for event in parts}) == 1
    at = [datetime.fromisoformat(event["at"]) for event in parts]
    began = [moment - timedelta(seconds=event["value"]) for moment, event in zip(at, parts, strict=True)]
    assert at == sorted(set(at)), "each part ends later than the one before"
    assert max(began) - min(began) <= timedelta(seconds=0.2), "all parts are of one reading"


def test_a_reading_is_dated_at_its_newest_engaged_second(service: Collector, site: Site, emulated: Page) -> None:
    emulated.clock.install(time="2026-11-27T10:00:00Z")
    emulated.goto(site.article("a7"))
    emulated.wait_for_function("window.attune")
    opened = emulated.evaluate("Date.now() / 1000")
    emulated.clock.run_for(1_000)
    emulated.mouse.move(100, 100)
    emulated.clock.run_for(60_000)  # of which the reader is idle for 45
    emulated.evaluate("attune.flush()")
    service.wait(lambda: service.events("read"))
    [event] = service.events("read")
    # a busy machine takes a while from the start of the page to `opened`; the last flush is 45 seconds later
    assert datetime.fromisoformat(event["at"]).timestamp() - opened == pytest.approx(event["value"], abs=3)
    assert event["value"] == pytest.approx(16, abs=1)


def test_requests_name_the_time_of_the_browsers_clock(service: Collector, site: Site, emulated: Page) -> None:
    emulated.clock.install(time="2031-05-01T08:00:00Z")
    emulated.goto(site.article("a7"))
    emulated.wait_for_function("window.attune")
    emulated.evaluate("attune.event('like', 'a7'); attune.flush()")
    service.wait(lambda: service.events("like"))
    sent_at = datetime.fromisoformat(service.requests[0]["sent_at"])
    assert sent_at >= datetime.fromisoformat(service.events("like")[0]["at"])
    assert sent_at.date() == date(2031, 5, 1)


def test_a_window_without_the_focus_is_not_read(service: Collector, site: Site, emulated: Page) -> None:
    emulated.goto(site.article("a7"))
    emulated.wait_for_function("window.attune")
    emulated.context.new_cdp_session(emulated).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    emulated.wait_for_timeout(700)
    other = emulated.context.new_page()
    emulated.wait_for_function("!document.hasFocus()", polling=50)
    assert emulated.evaluate("document.visibilityState") == "visible"
    other.wait_for_timeout(2_200)
    emulated.close()
    service.wait(lambda: service.events("read"))
    [(_, seconds)] = service.reads()
    assert seconds == pytest.approx(1.2, abs=0.8)


def test_a_page_in_a_background_tab_is_not_read(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    site.put("front", f"<a href='{site.article('a7')}' target='_blank' rel='noopener'>a7</a>")
    front = open_tab(f"{site.address}/front")
    with browser.expect_page() as opened:
        front.click("a", modifiers=["ControlOrMeta"])
    behind = opened.value
    behind.wait_for_function("window.attune", polling=50)
    assert behind.evaluate("document.visibilityState") == "hidden"
    behind.wait_for_timeout(700)
    behind.close()
    front.evaluate("attune.event('share', 'a7'); attune.flush()")
    service.wait(lambda: service.events("share"))
    assert service.events("read") == []
