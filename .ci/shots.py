"""Screenshots of every page for readers, of every state, and of the console: `make shots`, into var/shots.

The pages are those of `attune serve` over a simulated newsroom. Look at the pictures after a change of the browser
code; the six in docs/images are chosen and made smaller by hand.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.chromium import chromium
from tests.browser.console_service import ACTIVE, ConsoleService, console_service
from tests.browser.reader_service import newsroom, reader, visitor
from tests.serving import served
from tests.trained import HashEncoder, last_day, populated, train_quickly

FOLDER = Path("var/shots")
SIZES = (360, 768, 1440)
HEIGHTS = {360: 780, 768: 1024, 1440: 900}

Steps = Callable[[Page, str], None]
Wanted = Callable[[str], bool]
"""True for the name of a picture that is to be made."""


def feed(page: Page, address: str) -> None:
    """Open the feed of the reader with the most events."""
    page.goto(f"{address}/?reader={reader(0)}")
    page.locator("attune-feed article").first.wait_for()
    page.wait_for_timeout(400)


def choose(page: Page, address: str) -> None:
    """Open the page before a reader is chosen."""
    page.goto(address)
    page.locator("[data-enter]").wait_for()


def menu(page: Page, address: str) -> None:
    """Open the menu of an item."""
    feed(page, address)
    page.locator("attune-feed .icon").nth(1).click()


def why_and_undo(page: Page, address: str) -> None:
    """Show all reasons of an item, and hide another one."""
    feed(page, address)
    page.locator("attune-feed").get_by_role("button", name="Why this?").nth(1).click()
    page.locator("attune-feed .icon").first.click()
    page.get_by_role("menuitem", name="Not for me").click()


def ten_minutes(page: Page, address: str) -> None:
    """Request a feed of ten minutes."""
    feed(page, address)
    page.get_by_role("button", name="I have 10 minutes").click()
    page.wait_for_timeout(800)


def cards(page: Page, address: str) -> None:
    """Show cards instead of a list."""
    feed(page, address)
    page.locator("attune-feed").evaluate("each => each.setAttribute('layout', 'cards')")
    page.wait_for_timeout(800)


def chinese(page: Page, address: str) -> None:
    """Show the widget in Chinese."""
    feed(page, address)
    page.locator("attune-feed").evaluate("each => each.setAttribute('lang', 'zh')")
    page.wait_for_timeout(800)


def right_to_left(page: Page, address: str) -> None:
    """Show a page that is written from right to left."""
    feed(page, address)
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.wait_for_timeout(200)


def loading(page: Page, address: str) -> None:
    """Wait for a feed that does not come."""
    page.route("**/v1/feed?*", lambda _: None)
    page.goto(f"{address}/?reader={reader(0)}")
    page.locator("attune-feed .bone").first.wait_for()


def failed(page: Page, address: str) -> None:
    """Get no feed from a service that fails."""
    page.route("**/v1/feed?*", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(f"{address}/?reader={reader(0)}")
    page.locator("attune-feed .state").wait_for()


def offline(page: Page, address: str) -> None:
    """Lose the network."""
    feed(page, address)
    page.context.set_offline(True)
    page.get_by_role("button", name="I have 10 minutes").click()
    page.locator("attune-feed .state").wait_for()


def empty(page: Page, address: str) -> None:
    """Get a feed without items."""
    body = '{"request_id": "q", "cursor": null, "items": []}'
    page.route("**/v1/feed?*", lambda route: route.fulfill(body=body, content_type="application/json"))
    page.goto(f"{address}/?reader={reader(0)}")
    page.locator("attune-feed .state").wait_for()


def article(page: Page, address: str) -> None:
    """Open the first article with an image, and read for two seconds."""
    feed(page, address)
    page.locator("attune-feed article:has(.picture) h3 a").first.click()
    page.locator(".story").wait_for()
    page.wait_for_timeout(2_200)


def attention(page: Page, address: str) -> None:
    """Open the attention of the reader."""
    feed(page, address)
    page.goto(f"{address}/attention")
    page.locator(".weights li").first.wait_for()


def corrected(page: Page, address: str) -> None:
    """Follow a topic and mute another."""
    attention(page, address)
    page.get_by_role("button", name="Follow").nth(1).click()
    page.get_by_role("button", name="Mute").nth(3).click()
    page.wait_for_timeout(600)


def erase(page: Page, address: str) -> None:
    """Open the question before an erasure."""
    attention(page, address)
    page.get_by_role("button", name="Erase everything").click()


def embedded(page: Page, address: str) -> None:
    """Open the feed without script."""
    page.goto(f"{address}/embed/feed?reader={reader(0)}&limit=6")


EVERYWHERE: dict[str, Steps] = {
    "feed": feed, "choose": choose, "article": article, "attention": attention, "embedded": embedded,
    "cards": cards,
}  # fmt: skip
"""Made in all sizes, light and dark."""

STATES: dict[str, Steps] = {
    "menu": menu, "why-and-undo": why_and_undo, "ten-minutes": ten_minutes, "chinese": chinese,
    "right-to-left": right_to_left, "loading": loading, "failed": failed, "offline": offline, "empty": empty,
    "corrected": corrected, "erase": erase,
}  # fmt: skip
"""Made in one size."""


CONSOLE = (
    "now", "front-page", "articles", "article", "rules", "readers", "models", "model", "evaluation", "data",
    "attention", "webhooks", "keys", "audit", "settings",
)  # fmt: skip
"""Pages of the console: made in the smallest size, and in the largest one light and dark."""


def console_paths(service: ConsoleService) -> dict[str, str]:
    """Return the path of each page of the console."""
    special = {
        "now": "console",
        "front-page": f"console/front-page?reader={service.readers[0]}",
        "article": f"console/articles/one?id={service.article['id']}",
        "model": f"console/models/one?version={ACTIVE}",
    }
    return {name: special.get(name, f"console/{name}") for name in CONSOLE}


def shoot_console(browser: Browser, wanted: Wanted) -> None:
    """Make the pictures of the console, of an editor who has signed in."""
    with tempfile.TemporaryDirectory() as folder:
        place = populated(Path(folder) / "trained")
        train_quickly(place, HashEncoder(), until=last_day())
        with console_service(place, Path(folder) / "console") as service:
            for width, dark in ((360, False), (1440, False), (1440, True)):
                size: ViewportSize = {"width": width, "height": HEIGHTS[width]}
                with visitor(browser, size, dark) as context:
                    page = context.new_page()
                    page.goto(f"{service.address}/console")
                    page.get_by_label("Admin key").fill(service.key)
                    page.get_by_role("button", name="Sign in").click()
                    page.get_by_role("heading", name="Now", exact=True).wait_for()
                    for name, path in console_paths(service).items():
                        title = f"console-{name}-{width}{'-dark' if dark else ''}"
                        if wanted(title):
                            page.goto(f"{service.address}/{path}")
                            save(page, title, full_page=True)


def save(page: Page, title: str, full_page: bool = False) -> None:
    """Store the picture of a page, and print its path."""
    page.screenshot(path=FOLDER / f"{title}.png", full_page=full_page)
    print(FOLDER / f"{title}.png")


def shoot(wanted: Wanted) -> None:
    """Make the pictures of the pages for readers, then those of the console."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs = [
        (name, steps, width, dark)
        for name, steps in EVERYWHERE.items()
        for width in SIZES
        for dark in (False, True)
    ]
    jobs += [(name, steps, 768, False) for name, steps in STATES.items()]
    with chromium() as made:
        browser = cast(Browser, cast(BrowserContext, made).browser)
        with tempfile.TemporaryDirectory() as folder, served(populated(Path(folder), newsroom())) as client:
            for name, steps, width, dark in jobs:
                title = f"{name}-{width}{'-dark' if dark else ''}"
                if wanted(title):
                    size: ViewportSize = {"width": width, "height": HEIGHTS[width]}
                    with visitor(browser, size, dark) as context:
                        page = context.new_page()
                        steps(page, str(client.base_url))
                        save(page, title)
        shoot_console(browser, wanted)


def main() -> None:
    """Make the pictures that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="part of the names of the pictures to make; default: all")
    parts = parser.parse_args().part
    shoot(lambda title: not parts or any(part in title for part in parts))


if __name__ == "__main__":
    main()
