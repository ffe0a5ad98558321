"""Nothing is stored or sent before consent, or against a signal of the browser; everything can be erased."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector
from tests.browser.conftest import Open
from tests.browser.site import GRANTED, Site, article

pytestmark = pytest.mark.xdist_group("browser-consent")

PAGE = article("a7") + "<a href='#' data-attune-item='b8' style='position:fixed;top:0'>b8</a>"


def behave(page: Page, seconds: float = 0.3) -> None:
    """Do everything that the tracker measures (an impression takes a second), and call everything that sends."""
    page.mouse.wheel(0, 500)
    page.click("a")
    page.wait_for_timeout(1_000 * seconds)
    page.evaluate("attune.event('like', 'a7'); attune.flush()")


def stored(page: Page) -> list[str]:
    found: list[str] = page.evaluate("Object.keys(localStorage)")
    return found


def test_nothing_is_stored_or_sent_before_consent(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("a7", PAGE, {}))
    page.evaluate("attune.reader('t'); document.cookie")
    behave(page, seconds=1.3)
    assert stored(page) == []
    assert browser.cookies() == []
    page.goto(site.put("b8", PAGE, {}))
    page.wait_for_function("window.attune")
    page.close()
    assert service.silent


def test_consent_begins_the_measure_and_withdrawal_ends_it_and_removes_what_is_stored(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("a7", PAGE, {}))
    page.wait_for_timeout(1_000)
    page.evaluate("attune.consent(true)")
    behave(page, seconds=1.3)
    assert {event["kind"] for event in service.events()} == {"impression", "click", "like", "read", "scroll"}
    assert max(seconds for _, seconds in service.reads()) < 2, "the second before consent does not count"
    assert stored(page)
    page.evaluate("attune.event('share', 'a7'); attune.consent(false)")
    assert stored(page) == []
    before = len(service.requests)
    behave(page)
    page.close()
    assert len(service.requests) == before
    assert service.events("share") == []


def test_withdrawal_in_one_tab_ends_the_measure_in_all(service: Collector, site: Site, open_tab: Open) -> None:
    other = open_tab(site.put("b8", PAGE))
    page = open_tab(site.put("a7", PAGE))
    page.evaluate("attune.consent(false)")
    other.bring_to_front()
    before = len(service.requests)
    behave(other)
    assert stored(other) == []
    assert len(service.requests) == before


def test_withdrawal_holds_for_a_page_that_comes_back_from_the_cache(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("a7", PAGE))
    page.evaluate("addEventListener('pageshow', event => { window.persisted = event.persisted })")
    page.goto(site.put("b8", PAGE))
    page.wait_for_function("window.attune")
    page.evaluate("attune.consent(false)")
    page.evaluate("history.back()")
    page.wait_for_function("window.persisted")
    before = len(service.requests)
    behave(page)
    assert stored(page) == []
    assert len(service.requests) == before


@pytest.mark.parametrize("signal", ["globalPrivacyControl = true", "doNotTrack = '1'"])
def test_a_signal_of_the_browser_overrides_consent(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext, signal: str
) -> None:
    name, _, value = signal.partition(" = ")
    page = open_tab(site.put("none", "", {}))
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, '{name}', {{get: () => {value}}})")
    page.goto(site.put("a7", PAGE, GRANTED))
    page.wait_for_function("window.attune")
    page.evaluate("attune.consent(true)")
    behave(page, seconds=1.3)
    assert stored(page) == []
    page.close()
    assert service.silent


def test_a_visitor_id_is_random_kept_after_consent_and_sent_only_without_a_token(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("a7", PAGE))
    behave(page)
    page.goto(site.put("b8", PAGE))
    page.wait_for_function("window.attune")
    behave(page)
    [visitor] = {request["visitor"] for request in service.requests}
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", visitor)
    assert {request["site_key"] for request in service.requests} == {service.site_key}
    page.goto(site.put("c9", PAGE, GRANTED | {"reader-token": "t.eyJzdWIiOiJyNDIifQ.s"}))
    page.wait_for_function("window.attune")
    before = len(service.requests)
    behave(page)
    later = [
        request for request in service.requests[before:] if any(e["article"] == "c9" for e in request["events"])
    ]
    assert all(request.keys() == {"site_key", "token", "events"} for request in later)


def test_erasure_removes_the_queue_and_the_visitor_and_is_sent(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("a7", PAGE))
    behave(page)
    visitor = service.requests[0]["visitor"]
    page.evaluate("attune.event('share', 'a7')")
    assert page.evaluate("attune.erase()") is True
    assert service.erasures == [{"site_key": service.site_key, "visitor": visitor}]
    assert stored(page) == []
    assert service.events("share") == []
    page.reload()
    page.wait_for_function("window.attune")
    behave(page)
    assert service.requests[-1]["visitor"] != visitor


@pytest.mark.parametrize("status", [503, 403, 422])
def test_an_erasure_that_was_not_done_can_be_sent_again(
    service: Collector, site: Site, open_tab: Open, status: int
) -> None:
    page = open_tab(site.put("a7", PAGE))
    behave(page)
    visitor = service.requests[0]["visitor"]
    service.statuses = [status]
    assert page.evaluate("attune.erase()") is False
    assert stored(page) == ["attune:visitor"]
    assert page.evaluate("attune.erase()") is True
    assert [erasure["visitor"] for erasure in service.erasures] == [visitor, visitor]
    assert stored(page) == []


def test_a_reader_erases_with_the_token(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("a7", PAGE, GRANTED | {"reader-token": "t.eyJzdWIiOiJyNDIifQ.s"}))
    behave(page)
    assert page.evaluate("attune.erase()") is True
    assert service.erasures == [{"site_key": service.site_key, "token": "t.eyJzdWIiOiJyNDIifQ.s"}]
    assert stored(page) == []


def test_a_visitor_who_has_signed_in_is_erased_as_both(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("a7", PAGE))
    behave(page)
    visitor = service.requests[0]["visitor"]
    token = "t.eyJzdWIiOiJyNDIifQ.s"
    page.evaluate("token => attune.reader(token)", token)
    behave(page)
    service.statuses = [401, 401]
    assert page.evaluate("attune.erase()") is False
    assert stored(page) == ["attune:visitor"]
    assert page.evaluate("attune.erase()") is True
    assert stored(page) == []
    erased = [(erasure.get("token"), erasure.get("visitor")) for erasure in service.erasures]
    assert len(erased) == 4
    assert set(erased) == {(token, None), (None, visitor)}
