"""`attune serve` and pages of another origin with the two pasted lines, nothing between them replaced."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attune_client import AttuneClient
from playwright.sync_api import BrowserContext, Page

from api.application import key_admin
from api.application.scopes import Scope
from recsys.simulate.world import simulate
from recsys.store.database import opened
from tests.application import application
from tests.browser.site import Site, article
from tests.browser.stopwatch import Stopwatch
from tests.serving import served
from tests.trained import populated

pytestmark = pytest.mark.xdist_group("browser-real")

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
"""Not that of a headless browser, which counts as a bot."""

PATIENCE = 15.0


@dataclass(frozen=True)
class Publisher:
    """A site, and the publisher's server with its key."""

    site: Site
    server: AttuneClient

    def article(self, id_: str, reader: str | None) -> str:
        """Address of an article, for a reader who is signed in, or for a visitor."""
        return self.site.put(f"{id_}-{reader}", article(id_), self.data(reader))

    def data(self, reader: str | None) -> dict[str, str]:
        signed_in = {} if reader is None else {"reader-token": self.server.reader_token(reader)["token"]}
        return {"consent": "granted", **signed_in}

    def events(self, reader: str, kind: str) -> list[dict[str, Any]]:
        """Stored events of a kind, oldest first."""
        rows = self.server.export(reader)["tables"].get("events", [])
        return sorted((row for row in rows if row["kind"] == kind), key=lambda row: str(row["at"]))

    def seconds(self, reader: str) -> dict[str, float]:
        """Stored seconds by article: a reading that went on is several rows."""
        found: dict[str, float] = {}
        for row in self.events(reader, "read"):
            found[row["article"]] = found.get(row["article"], 0) + row["value"]
        return found


@pytest.fixture(scope="module")
def publisher(
    tmp_path_factory: pytest.TempPathFactory, new_site: Callable[[str, str], Site]
) -> Iterator[Publisher]:
    """A newsroom of three days until now, behind a server with keys."""
    start = datetime.now(UTC) - timedelta(days=3)
    where = populated(
        tmp_path_factory.mktemp("real"), simulate(readers=40, articles=150, days=3, seed=10, start=start)
    )
    site = new_site("", "")
    with opened(where.settings.database_url) as database:
        app = application(database)
        site.site_key, _ = key_admin.create_key(app, Scope.SITE, "site", "cli", [site.address])
        key, _ = key_admin.create_key(app, Scope.ADMIN, "server", "cli")
    with served(where) as http:
        site.service = str(http.base_url)
        with AttuneClient(site.service, key=key) as server:
            yield Publisher(site, server)


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A tab of a person who has not been here before."""
    assert browser.browser is not None
    context = browser.browser.new_context(user_agent=AGENT, viewport={"width": 1000, "height": 800})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function("window.attune")


def wait(fulfilled: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fulfilled():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def newest(publisher: Publisher, category: str | None = None, count: int = 8) -> list[dict[str, Any]]:
    """Items of the next feed of a reader who is nobody."""
    options = {} if category is None else {"category": category}
    return list(publisher.server.feed("nobody", limit=count, preview=True, **options)["items"])  # type: ignore[arg-type]


def test_readings_arrive_once_and_with_their_seconds(publisher: Publisher, page: Page) -> None:
    first, second = (item["id"] for item in newest(publisher, count=2))
    watches = {}
    for id_, seconds in ((first, 2.5), (second, 1.2)):
        visit(page, publisher.article(id_, "steady"))
        watches[id_] = Stopwatch()
        page.wait_for_timeout(1_000 * seconds)
        page.mouse.wheel(0, 500)
        page.evaluate("attune.flush()")  # a part of the reading; leaving the page sends the whole
        watches[id_].stop()
    page.goto("about:blank")
    wait(lambda: publisher.seconds("steady").keys() == watches.keys())
    page.wait_for_timeout(500)
    stored = publisher.seconds("steady")
    assert {id_: watch.agrees(stored[id_]) for id_, watch in watches.items()} == {first: True, second: True}
    rows = publisher.events("steady", "read")
    assert len({row["id"].partition("~")[0] for row in rows}) == 2, "one event a reading, and its amendments"
    ends = [datetime.fromisoformat(row["at"]) for row in rows]
    assert datetime.now(UTC) - timedelta(seconds=20) < min(ends) <= max(ends) <= datetime.now(UTC)
    assert [row["article"] for row in rows] == sorted(
        (row["article"] for row in rows), key=[first, second].index
    ), "the second reading ends after the first"


def test_a_reader_gets_more_of_what_she_reads(publisher: Publisher, page: Page) -> None:
    def share(category: str) -> float:
        items = publisher.server.feed("curious", limit=10, explore=0, preview=True)["items"]
        return sum(item["article"]["category"] == category for item in items) / len(items)

    categories = [item["article"]["category"] for item in newest(publisher, count=100)]
    shown = {name: share(name) for name in sorted(set(categories)) if categories.count(name) >= 12}
    category = min(shown, key=lambda name: (shown[name], name))
    before = shown[category]
    ids = [item["id"] for item in newest(publisher, category, 5)]
    for id_ in ids[:2]:
        visit(page, publisher.article(id_, "curious"))
        page.wait_for_timeout(700)
    for id_ in ids:  # the rest of the readings, without the wait
        page.evaluate("id => { attune.event('click', id); attune.event('read', id, 60) }", id_)
    page.evaluate("attune.flush()")
    wait(lambda: publisher.seconds("curious").keys() == set(ids))
    assert share(category) > before + 0.1


def test_hidden_articles_are_gone_from_the_next_feed(publisher: Publisher, page: Page) -> None:
    feed = publisher.server.feed("hider", limit=5, explore=0)
    cards = "".join(
        f"<div data-attune-item='{item['id']}' data-attune-request='{feed['request_id']}'"
        f" data-attune-position='{item['position']}'>{item['id']}"
        "<button data-attune-action='hide'>Hide</button></div>"
        for item in feed["items"]
    )
    visit(page, publisher.site.put("front", cards, publisher.data("hider")))
    hidden = feed["items"][1]["id"]
    page.click(f"[data-attune-item='{hidden}'] button")
    page.evaluate("attune.flush()")
    own = """async ([service, token]) => {
        const { AttuneClient } = await import(`${service}/static/attune-client.mjs`);
        const { items } = await new AttuneClient(service, { key: token }).feed(undefined, { explore: 0 });
        return items.map(item => item.id);
    }"""
    token = publisher.server.reader_token("hider")["token"]
    shown = page.evaluate(own, [publisher.site.service, token])
    assert len(shown) >= 5
    assert hidden not in shown
    [row] = publisher.events("hider", "hide")
    assert (row["article"], row["request_id"], row["position"]) == (hidden, feed["request_id"], 1)


def test_erase_leaves_nothing_of_a_visitor(publisher: Publisher, page: Page) -> None:
    id_ = newest(publisher, count=1)[0]["id"]
    visit(page, publisher.article(id_, None))
    page.wait_for_timeout(600)
    page.evaluate("id => { attune.event('like', id); return attune.flush() }", id_)
    visitor = f"visitor-{page.evaluate('localStorage.getItem(`attune:visitor`)')}"
    wait(lambda: publisher.events(visitor, "like") and publisher.events(visitor, "read"))
    assert page.evaluate("attune.erase()") is True
    assert page.evaluate("Object.keys(localStorage)") == []
    tables = publisher.server.export(visitor)["tables"]
    assert {name: rows for name, rows in tables.items() if rows} == {}
