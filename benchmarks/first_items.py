"""Milliseconds until a reader sees the first items of the reader page, in a real browser on this machine.

    python -m benchmarks.first_items [--folder FOLDER] [--readers 1000] [--articles 4000] [--views 20]

Makes a simulated newsroom and a bundle, and reuses them in `--folder` if given. Needs Playwright and Chromium. The
first view fills the browser's cache and is not counted. Goal: a median of 300 ms.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import sync_playwright

from api.cli.chromium import require_browser
from benchmarks.newsroom import furnished, room
from benchmarks.server import Server
from recsys.settings import Settings

GOAL = 300.0

_NOTE_FIRST_ITEM = """
    const seen = setInterval(() => {
        if (!document.querySelector("attune-feed")?.shadowRoot?.querySelector("article")) return;
        window.firstItem = performance.now();
        clearInterval(seen);
    }, 2);
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", 1_000), ("articles", 4_000), ("days", 4), ("views", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with room(options.folder) as folder:
        times = measure(furnished(folder, options.readers, options.articles, options.days), options.views)
    median = statistics.median(times)
    print(f"first items: median {median:.0f} ms, fastest {min(times):.0f} ms, slowest {max(times):.0f} ms")
    print(f"goal: {GOAL:.0f} ms: {'met' if median <= GOAL else 'missed'} by the median")


def measure(settings: Settings, views: int) -> Sequence[float]:
    """Return the milliseconds [views] from the navigation to the first item."""
    server = Server(settings)
    server.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=require_browser("this benchmark"), args=["--no-sandbox"]
            )
            page = browser.new_page()
            page.add_init_script(_NOTE_FIRST_ITEM)
            times = []
            for address in (f"{server.address}/?reader=r00001", *[server.address] * views):
                page.goto(address)
                page.locator("attune-feed article").first.wait_for()
                times.append(float(page.evaluate("window.firstItem")))
            browser.close()
    finally:
        server.kill()
    return times[1:]


if __name__ == "__main__":
    main()
