"""No event is lost or stored twice: outages, refusals, tabs, readers that change."""

import base64
import json
from collections import Counter

import pytest
from playwright.sync_api import BrowserContext, Error, Page

from api.http.web_files import tracker
from tests.browser.collector import Collector
from tests.browser.conftest import Open
from tests.browser.site import GRANTED, Site

pytestmark = pytest.mark.xdist_group("browser-delivery")

ITEMS = "".join(f"<button data-attune-item='a{n}' data-attune-action='like'>a{n}</button>" for n in range(5))


def token(reader: str, serial: int = 0) -> str:
    """A token in the form that the service signs."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": reader, "serial": serial}).encode()).decode().rstrip("=")
    return f"header.{claims}.signature"


def like(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.click(f"text=a{number}")


def liked(service: Collector) -> Counter[str]:
    return Counter(event["article"] for event in service.events("like"))


def queued(page: Page) -> int:
    """Events in the stored queues of all tabs."""
    script = """Object.entries(localStorage).filter(([key]) => key.startsWith('attune:queue:'))
        .map(([_, value]) => JSON.parse(value)[1].length).reduce((sum, n) => sum + n, 0)"""
    found: int = page.evaluate(script)
    return found


@pytest.mark.parametrize("status", [503, 429])
def test_a_batch_whose_answer_is_lost_is_sent_again_with_the_same_ids(
    service: Collector, site: Site, open_tab: Open, status: int
) -> None:
    page = open_tab(site.put("list", ITEMS))
    service.statuses = [status]
    like(page, 0, 1)
    page.evaluate("attune.flush()")
    service.wait(lambda: len(service.requests) >= 2)
    assert liked(service) == {"a0": 1, "a1": 1}
    assert service.requests[1]["events"][:2] == service.requests[0]["events"]
    page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('attune:queue:'))")


def test_a_batch_that_is_refused_does_not_block_the_next(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("list", ITEMS))
    service.statuses = [422]
    service.stores = False
    like(page, 0)
    page.evaluate("attune.flush()")
    service.stores = True
    assert queued(page) == 0
    like(page, 1)
    page.evaluate("attune.flush()")
    assert liked(service) == {"a1": 1}


def test_events_wait_while_the_network_is_away(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", ITEMS))
    like(page, 0)
    browser.set_offline(True)
    like(page, 1, 2)
    page.evaluate("attune.flush()")
    assert liked(service) == {}
    assert queued(page) == 3
    browser.set_offline(False)
    service.wait(lambda: len(liked(service)) == 3, seconds=3)
    assert liked(service) == {"a0": 1, "a1": 1, "a2": 1}


def test_the_next_page_sends_what_a_closed_tab_could_not(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("list", ITEMS))
    service.stores, service.statuses = False, [503] * 50
    like(page, 0, 1)
    page.close()
    service.wait(lambda: len(service.statuses) < 50)
    service.stores, service.statuses = True, []
    page = open_tab(f"{site.address}/list")
    service.wait(lambda: len(liked(service)) == 2)
    assert liked(service) == {"a0": 1, "a1": 1}
    page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('attune:queue:'))")


def test_the_next_page_sends_the_reading_of_a_tab_that_was_closed_without_a_network(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.article("a7"))
    browser.set_offline(True)
    page.wait_for_timeout(1_500)
    page.close()
    assert service.silent
    browser.set_offline(False)
    open_tab(site.put("list", ITEMS))
    service.wait(lambda: service.events("read"))
    [(read, seconds)] = service.reads()
    assert (read, seconds) == ("a7", pytest.approx(1.7, abs=0.6))


def test_the_next_page_sends_what_a_crashed_tab_left(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", ITEMS))
    like(page, 0, 1)
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")
    assert service.silent
    heir = open_tab(site.put("none", "", {}))
    # after this time a tab without a sign of life is given up
    heir.add_init_script("const now = Date.now; Date.now = () => now() + 60_000")
    heir.goto(f"{site.address}/list")
    service.wait(lambda: len(liked(service)) == 2)
    assert liked(service) == {"a0": 1, "a1": 1}


def test_tabs_do_not_overwrite_each_others_events(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    first = open_tab(site.put("list", ITEMS))
    second = open_tab(f"{site.address}/list")
    service.stores, service.statuses = False, [503] * 100
    for page, number in ((first, 0), (second, 1), (first, 2), (second, 3)):
        page.bring_to_front()
        like(page, number)
    third = open_tab(f"{site.address}/list")
    first.close()
    second.close()
    service.stores, service.statuses = True, []
    third.reload()
    service.wait(lambda: len(liked(service)) == 4)
    assert liked(service) == {f"a{n}": 1 for n in range(4)}


def test_the_queue_is_bounded_and_drops_impressions_first(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", ""))
    browser.set_offline(True)
    page.evaluate(
        """() => { for (let n = 0; n < 400; n++) {
            attune.event('impression', 'a' + n); attune.event('click', 'a' + n); } }"""
    )
    assert queued(page) == 500
    page.evaluate("() => { for (let n = 0; n < 200; n++) attune.event('like', 'b'.repeat(2000)) }")
    assert queued(page) < 500
    assert page.evaluate("JSON.stringify(localStorage).length") < 256 * 1_024
    browser.set_offline(False)
    page.evaluate("attune.flush()")
    service.wait(lambda: queued(page) == 0)
    kinds = Counter(event["kind"] for event in service.events())
    assert kinds["impression"] == 0
    assert kinds["like"] > 50
    assert all(len(json.dumps(request)) < 64 * 1_024 for request in service.requests)


def test_events_of_a_reader_are_never_sent_for_another(
    service: Collector, site: Site, open_tab: Open, browser: BrowserContext
) -> None:
    page = open_tab(site.put("list", ITEMS, GRANTED | {"reader-token": token("r1")}))
    browser.set_offline(True)
    like(page, 0)
    page.evaluate("attune.reader()")
    like(page, 1)
    page.evaluate(f"attune.reader('{token('r2')}')")
    like(page, 2)
    assert token("r1") not in page.evaluate("JSON.stringify(localStorage)")
    browser.set_offline(False)
    service.wait(lambda: len(liked(service)) == 2)
    page.evaluate(f"attune.reader('{token('r1', serial=1)}')")
    service.wait(lambda: len(liked(service)) == 3)
    sent = {
        event["article"]: request.get("token")
        for request in service.requests
        for event in request["events"]
        if event["kind"] == "like"  # a slow page also sends what was in view
    }
    assert sent == {"a0": token("r1", serial=1), "a1": None, "a2": token("r2")}


def test_events_wait_for_a_new_token_when_theirs_has_expired(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("list", ITEMS, GRANTED | {"reader-token": token("r1")}))
    service.stores, service.statuses = False, [401]
    like(page, 0)
    page.evaluate("attune.flush()")
    service.stores = True
    like(page, 1)
    page.evaluate("attune.flush()")
    assert service.requests == []
    page.evaluate(f"attune.reader('{token('r1', serial=1)}')")
    service.wait(lambda: len(liked(service)) == 2)
    assert {request["token"] for request in service.requests} == {token("r1", serial=1)}


def test_a_browser_that_stores_nothing_sends_without_a_visitor(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("none", "", {}))
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})")
    page.goto(site.put("list", ITEMS))
    page.wait_for_function("window.attune")
    like(page, 0)
    page.evaluate("attune.flush()")
    assert liked(service) == {"a0": 1}
    assert service.requests[0].keys() == {"site_key", "sent_at", "events"}


def test_no_request_needs_a_preflight(service: Collector, site: Site, open_tab: Open) -> None:
    page = open_tab(site.put("list", ITEMS, GRANTED | {"reader-token": token("r1")}))
    like(page, 0)
    page.evaluate("attune.flush()")
    page.evaluate("attune.erase()")
    assert service.others == []
    assert liked(service) == {"a0": 1}


def test_a_page_without_a_referrer_names_its_origin_also_while_it_closes(
    service: Collector, site: Site, open_tab: Open
) -> None:
    page = open_tab(site.put("list", "<meta name='referrer' content='no-referrer'>" + ITEMS))
    page.evaluate("delete Navigator.prototype.sendBeacon")
    like(page, 0)
    page.close()
    service.wait(lambda: liked(service) == {"a0": 1})
    assert service.origins == [site.address]


def test_a_page_with_integrity_and_a_strict_policy_runs_the_tracker(
    service: Collector, site: Site, open_tab: Open
) -> None:
    site.csp = f"default-src 'none'; script-src {service.address}; connect-src {service.address}"
    current = tracker()
    address = site.put("list", ITEMS, src=f"/static/{current.versioned}")
    site.pages["list"] = site.pages["list"].replace(
        " async", f" integrity='{current.integrity}' crossorigin='anonymous' async"
    )
    page = open_tab(address)
    like(page, 0)
    page.evaluate("attune.flush()")
    assert liked(service) == {"a0": 1}
    site.pages["list"] = site.pages["list"].replace("sha384-", "sha384-x")
    page.reload()
    page.wait_for_load_state("load")
    assert page.evaluate("typeof window.attune") == "undefined"


def test_the_two_lines_twice_count_once(service: Collector, site: Site, open_tab: Open) -> None:
    address = site.put("list", ITEMS)
    head, _, body = site.pages["list"].partition("<body")
    site.pages["list"] = f"{head}{head.partition('</title>')[2]}<body{body}"
    page = open_tab(address)
    page.wait_for_load_state("load")
    like(page, 0)
    page.evaluate("attune.flush()")
    assert liked(service) == {"a0": 1}
