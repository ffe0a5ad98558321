"""Scripted readers of 60 articles, with all that readers do: every engaged time arrives, and nothing twice."""

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector
from tests.browser.conftest import Open
from tests.browser.site import Site, article
from tests.browser.stopwatch import Stopwatch

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.soak]

ARTICLES = 60
SEED = 7


class Reader:
    """One person at one browser, with a stopwatch for each reading."""

    def __init__(self, browser: BrowserContext, site: Site, open_tab: Open) -> None:
        self.browser = browser
        self.site = site
        self.readings: list[tuple[str, Stopwatch]] = []
        self.random = random.Random(SEED)
        self.unread = [f"a{n}" for n in reversed(range(ARTICLES))]
        self._open_tab = open_tab

    def open(self, page: Page | None = None) -> tuple[Page, Stopwatch]:
        """Open the next article, in a new tab or in `page`, and react to it."""
        id_ = self.unread.pop()
        address = self.site.article(id_)
        if page is None:
            page = self._open_tab(address)
        else:
            page.goto(address)
            page.wait_for_function("window.attune")
        return page, self.begin(page, id_)

    def begin(self, page: Page, id_: str) -> Stopwatch:
        page.evaluate(f"attune.event('like', '{id_}')")
        return self.begin_again(id_)

    def begin_again(self, id_: str) -> Stopwatch:
        watch = Stopwatch()
        self.readings.append((id_, watch))
        return watch

    def read(self, page: Page, seconds: float | None = None) -> None:
        """Stay on a page, and scroll."""
        for _ in range(4):
            page.wait_for_timeout(1_000 * (seconds or self.random.uniform(1.5, 4)) / 4)
            page.mouse.wheel(0, self.random.randrange(50, 400))


def read_and_close(reader: Reader) -> None:
    page, watch = reader.open()
    reader.read(page)
    page.close()
    watch.stop()


def switch_tabs(reader: Reader) -> None:
    page, watch = reader.open()
    for _ in range(3):
        reader.read(page, 1.2)
        watch.stop()
        other = reader.browser.new_page()
        other.wait_for_timeout(reader.random.uniform(300, 3_000))
        page.bring_to_front()
        watch.start()
        other.close()
    page.close()
    watch.stop()


def read_one_after_the_other(reader: Reader) -> None:
    page, watch = reader.open()
    for _ in range(2):
        reader.read(page)
        watch.stop()
        _, watch = reader.open(page)
    reader.read(page)
    page.close()
    watch.stop()


def go_back(reader: Reader) -> None:
    page, first = reader.open()
    id_ = reader.readings[-1][0]
    page.evaluate("addEventListener('pageshow', event => { window.persisted = event.persisted })")
    reader.read(page)
    first.stop()
    _, second = reader.open(page)
    reader.read(page)
    second.stop()
    page.evaluate("history.back()")
    third = reader.begin_again(id_)
    page.wait_for_function("window.persisted")
    reader.read(page)
    page.close()
    third.stop()


def navigate_in_the_page(reader: Reader) -> None:
    page, watch = reader.open()
    for _ in range(2):
        reader.read(page)
        id_ = reader.unread.pop()
        page.evaluate(
            """([id, html]) => {
                history.pushState({}, "", id);
                document.querySelector("article").outerHTML = html;
            }""",
            [id_, article(id_)],
        )
        watch.stop()
        watch = reader.begin(page, id_)
    reader.read(page)
    page.close()
    watch.stop()


def fall_asleep(reader: Reader) -> None:
    page, watch = reader.open()
    reader.read(page, 1)
    page.wait_for_timeout(15_000)
    watch.stop()
    page.wait_for_timeout(4_000)
    watch.start()
    page.mouse.move(200, reader.random.randrange(200))
    reader.read(page, 1)
    page.close()
    watch.stop()


def lose_the_network(reader: Reader) -> None:
    page, watch = reader.open()
    reader.read(page)
    reader.browser.set_offline(True)
    reader.read(page, 10)
    watch.stop()
    other = reader.browser.new_page()
    other.wait_for_timeout(2_000)
    page.bring_to_front()
    watch.start()
    other.close()
    reader.read(page, 8)
    reader.browser.set_offline(False)
    reader.read(page)
    page.close()
    watch.stop()


def close_without_a_network(reader: Reader) -> None:
    page, watch = reader.open()
    reader.read(page)
    reader.browser.set_offline(True)
    reader.read(page)
    page.close()
    watch.stop()
    reader.browser.set_offline(False)


# all of them together read 13 articles; 60 articles are read without one that stops in the middle
MIX: tuple[Callable[[Reader], None], ...] = (
    read_and_close,
    switch_tabs,
    go_back,
    navigate_in_the_page,
    lose_the_network,
    read_one_after_the_other,
    close_without_a_network,
    fall_asleep,
)


def test_every_engaged_time_arrives_and_no_event_is_lost_or_stored_twice(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    reader = Reader(browser, site, open_tab)
    behaviours = itertools.cycle(MIX)
    while reader.unread:
        next(behaviours)(reader)
    last = open_tab(site.article("last"))  # it sends what others left
    service.wait(lambda: len(service.events("like")) >= ARTICLES)
    service.wait(lambda: len(service.events("read")) >= len(reader.readings))
    last.wait_for_timeout(1_000)

    assert Counter(event["article"] for event in service.events("like")) == {f"a{n}": 1 for n in range(ARTICLES)}
    received: dict[str, list[float]] = {}
    for event in sorted(service.events("read"), key=lambda event: str(event["at"])):
        received.setdefault(event["article"], []).append(event["value"])
    received.pop("last", None)
    watches: dict[str, list[Stopwatch]] = {}
    for id_, watch in reader.readings:
        watches.setdefault(id_, []).append(watch)
    assert {id_: len(values) for id_, values in received.items()} == {
        id_: len(each) for id_, each in watches.items()
    }
    wrong = [
        (id_, round(watch.seconds, 1), value)
        for id_, each in watches.items()
        for watch, value in zip(each, received[id_], strict=True)
        if not watch.agrees(value)
    ]
    assert wrong == []
