"""No violation that axe-core finds, on any page, light and dark."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.reader_service import ReaderService, newsroom, reader
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser-reader")

READER = reader(30)


def violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """Theme, rule of axe that the page breaks in it, and where."""
    found: list[tuple[str, str, list[str]]] = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        broken = Axe().run(page).response["violations"]
        found += [(theme, each["id"], [node["html"] for node in each["nodes"]]) for each in broken]
    return found


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


@pytest.mark.parametrize(
    "show",
    [
        feed, with_menu_and_note, cards, loading, failed, choose, article, unknown_article, attention, erase,
        embedded,
    ],
)  # fmt: skip
def test_a_page_has_no_violation(
    visit: Page, open_service: ReaderService, show: Callable[[Page, str], None]
) -> None:
    show(visit, open_service.address)
    assert violations(visit) == []


def test_the_form_for_a_token_has_no_violation(visit: Page, publisher: tuple[ReaderService, Site]) -> None:
    visit.goto(publisher[0].address)
    expect(visit.get_by_role("heading", name="Sign in")).to_be_visible()
    assert violations(visit) == []
