"""Fixtures: a browser, a service that records, a site on another origin, and a tab with the site."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.chromium import chromium
from tests.browser.collector import Collector, collecting
from tests.browser.reader_service import ReaderService, reader_service, visitor
from tests.browser.site import Site, publishing

Open = Callable[[str], Page]

RERUNS = 2
"""A browser beside other jobs now and then draws a second late; what is wrong fails each time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a failed test of this folder again."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


# of the package: a session would leave the event loop of Playwright running below other tests
@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    with chromium() as context:
        yield context


@pytest.fixture(scope="package")
def new_service() -> Iterator[Callable[[], Collector]]:
    with collecting() as new:
        yield new


@pytest.fixture(scope="package")
def new_site() -> Iterator[Callable[[str, str], Site]]:
    with publishing() as new:
        yield new


@pytest.fixture
def service(new_service: Callable[[], Collector]) -> Collector:
    return new_service()


@pytest.fixture
def site(service: Collector, new_site: Callable[[str, str], Site]) -> Site:
    return new_site(service.address, service.site_key)


@pytest.fixture
def emulated(browser: BrowserContext) -> Iterator[Page]:
    """A page in a profile of its own, always visible, whose focus and clock a test can set."""
    assert browser.browser is not None
    context = browser.browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def open_tab(browser: BrowserContext) -> Iterator[Open]:
    """Open an address in a new tab in front, and wait for the tracker."""
    opened: list[Page] = []

    def open_(address: str) -> Page:
        page = browser.new_page()
        opened.append(page)
        page.goto(address)
        page.wait_for_function("window.attune")
        return page

    yield open_
    browser.set_offline(False)
    for page in opened:
        if not page.is_closed():
            page.close()


@pytest.fixture(scope="package")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReaderService]:
    """A newsroom without keys."""
    with reader_service(tmp_path_factory.mktemp("open")) as made:
        yield made


@pytest.fixture(scope="package")
def publisher(
    tmp_path_factory: pytest.TempPathFactory, new_site: Callable[[str, str], Site]
) -> Iterator[tuple[ReaderService, Site]]:
    """A newsroom with keys, and a site on another origin that may use it."""
    site = new_site("", "")
    with reader_service(tmp_path_factory.mktemp("keyed"), site.address) as made:
        site.service, site.site_key = made.address, made.site_key
        yield made, site


@pytest.fixture
def visit(browser: BrowserContext) -> Iterator[Page]:
    """A page of a reader who has not been here before."""
    assert browser.browser is not None
    with visitor(browser.browser) as context:
        yield context.new_page()
