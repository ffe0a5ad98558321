"""No violation that axe-core finds, on any page, in both themes."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.reader_service import ReaderService, newsroom, reader, visitor
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser-reader")

READER = reader(30)


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Rules of axe that a page breaks, and where."""
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def feed(page: Page, address: str) -> None:
    page.goto(f"{address}/?reader={READER}")
    expect(page.locator("attune-feed article").first).to_be_visible()


def with_menu_and_note(page: Page, address: str) -> None:
    feed(page, address)
    page.locator("attune-feed .icon").first.click()
    page.get_by_role("menuitem", name="Not for me").click()
    page.locator("attune-feed .icon").nth(2).click()


def cards(page: Page, address: str) -> None:
    feed(page, address)
    page.locator("attune-feed").evaluate("each => each.setAttribute('layout', 'cards')")
    expect(page.locator("attune-feed article").first).to_be_visible()


def loading(page: Page, address: str) -> None:
    page.route("**/v1/feed?*", lambda route: None)
    page.goto(f"{address}/?reader={READER}")
    expect(page.locator("attune-feed .bone").first).to_be_visible()


def failed(page: Page, address: str) -> None:
    page.route("**/v1/feed?*", lambda route: route.fulfill(status=503))
    page.goto(f"{address}/?reader={READER}")
    expect(page.locator("attune-feed .state")).to_be_visible()


def choose(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name="Whose feed?")).to_be_visible()


def article(page: Page, address: str) -> None:
    feed(page, address)
    page.goto(f"{address}/read?id={newsroom().articles['id'][0]}")
    expect(page.locator(".story")).to_be_visible()


def unknown_article(page: Page, address: str) -> None:
    feed(page, address)
    page.goto(f"{address}/read?id=unknown")
    expect(page.get_by_role("heading", level=1).last).to_be_visible()


def attention(page: Page, address: str) -> None:
    feed(page, address)
    page.goto(f"{address}/attention")
    page.locator(".weights li").first.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.get_by_role("button", name="Undo").click()


def erase(page: Page, address: str) -> None:
    feed(page, address)
    page.goto(f"{address}/attention")
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_role("button", name="Keep my data")).to_be_visible()


def embedded(page: Page, address: str) -> None:
    page.goto(f"{address}/embed/feed?reader={READER}&limit=5")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "show",
    [
        feed, with_menu_and_note, cards, loading, failed, choose, article, unknown_article, attention, erase,
        embedded,
    ],
)  # fmt: skip
def test_a_page_has_no_violation(
    browser: BrowserContext, open_service: ReaderService, show: Callable[[Page, str], None], dark: bool
) -> None:
    assert browser.browser is not None
    with visitor(browser.browser, dark=dark) as context:
        page = context.new_page()
        show(page, open_service.address)
        assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_form_for_a_token_has_no_violation(
    browser: BrowserContext, publisher: tuple[ReaderService, Site], dark: bool
) -> None:
    assert browser.browser is not None
    with visitor(browser.browser, dark=dark) as context:
        page = context.new_page()
        page.goto(publisher[0].address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert violations(page) == []
