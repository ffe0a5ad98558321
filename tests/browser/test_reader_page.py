"""The reader page of a service: feed, article, attention, and signing in."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.reader_service import IMAGES, ReaderService, newsroom, reader, visitor
from tests.browser.site import Site
from tests.live import HTTP

pytestmark = pytest.mark.xdist_group("browser-reader")

MOST_BYTES = 60 * 1_024
MOST_SHIFT = 0.02


def enter(page: Page, service: ReaderService, who: str, then: str = "") -> None:
    """Open the feed of a reader, and then another page."""
    page.goto(f"{service.address}/?reader={who}")
    expect(page.locator("attune-feed article").first).to_be_visible()
    if then:
        page.goto(f"{service.address}/{then}")
        expect(page.locator("[data-signed-in]")).to_be_visible()


def test_a_known_reader_is_chosen_and_stays_for_the_next_pages(visit: Page, open_service: ReaderService) -> None:
    visit.goto(open_service.address)
    expect(visit.get_by_role("heading", name="Whose feed?")).to_be_visible()
    visit.get_by_role("button", name="r00003", exact=True).click()
    expect(visit.locator("attune-feed article").first).to_be_visible()
    visit.get_by_role("link", name="Your attention").click()
    expect(visit.locator("[data-reader]")).to_have_text("r00003")
    expect(visit.locator(".weights li").first).to_be_visible()
    visit.get_by_role("button", name="Change reader").click()
    expect(visit.get_by_role("heading", name="Whose feed?")).to_be_visible()


def test_a_typed_reader_who_is_new_gets_a_feed(visit: Page, open_service: ReaderService) -> None:
    visit.goto(open_service.address)
    visit.get_by_label("Reader", exact=True).fill("new/reader å")
    visit.get_by_role("button", name="Open feed").click()
    expect(visit.locator("attune-feed article").first).to_be_visible()
    visit.get_by_role("link", name="Your attention").click()
    expect(visit.locator(".waiting")).to_contain_text("Nothing yet")


def test_a_danish_browser_gets_danish_pages(browser: BrowserContext, open_service: ReaderService) -> None:
    assert browser.browser is not None
    with visitor(browser.browser, locale="da-DK") as context:
        danish = context.new_page()
        enter(danish, open_service, reader(15), "attention")
        expect(danish.get_by_role("heading", level=1)).to_have_text("Din opmærksomhed")
        expect(danish.get_by_role("heading", name="Læsningen bag det")).to_be_visible()
        danish.get_by_role("button", name="Sæt læring på pause").click()
        expect(danish.get_by_role("status")).to_have_text("Læringen er på pause.")
        first = danish.locator(".reads li").first
        first.get_by_role("button", name="Ikke mig").click()
        danish.get_by_role("button", name="Fortryd").click()
        expect(first).to_be_visible()
        words = danish.locator("body").inner_text()
        assert not re.search(r"\b(Your|Undo|Follow|Mute|Learning|opened|read to)\b", words), words


def test_first_items_come_with_few_bytes_from_one_host_and_nothing_moves(
    visit: Page, open_service: ReaderService
) -> None:
    enter(visit, open_service, reader(0))
    requests: list[Request] = []
    errors: list[str] = []
    visit.on("request", lambda request: requests.append(request))
    visit.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    visit.add_init_script("""
        window.shift = 0;
        new PerformanceObserver(list => {
            for (const each of list.getEntries()) if (!each.hadRecentInput) window.shift += each.value;
        }).observe({type: "layout-shift", buffered: true});
    """)
    visit.goto(open_service.address)
    visit.locator("attune-feed article").first.wait_for()
    visit.wait_for_timeout(700)  # images
    before = [request for request in requests if not request.url.startswith(IMAGES)]
    assert {urlsplit(request.url).netloc for request in before} == {urlsplit(open_service.address).netloc}
    assert sum(sum(_size(request)) for request in before) <= MOST_BYTES
    visit.mouse.wheel(0, 1_500)
    visit.wait_for_timeout(500)
    assert visit.evaluate("window.shift") <= MOST_SHIFT
    assert errors == []


def _size(request: Request) -> tuple[int, int]:
    found = request.sizes()
    return found["responseHeadersSize"], found["responseBodySize"]


def test_ten_minutes_fill_ten_minutes(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(1))
    button = visit.get_by_role("button", name="I have 10 minutes")
    with visit.expect_response("**/v1/feed?*minutes=10*") as found:
        button.click()
    assert 5 < sum(item["minutes"] for item in found.value.json()["items"]) <= 10.5
    assert button.get_attribute("aria-pressed") == "true"
    with visit.expect_response(lambda answer: "/v1/feed?" in answer.url and "minutes" not in answer.url):
        button.click()


def test_an_article_that_is_read_is_measured_while_its_time_runs(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(2))
    link = visit.locator("attune-feed h3 a").first
    title, id_ = link.inner_text(), link.get_attribute("data-attune-item")
    link.click()
    expect(visit.get_by_role("heading", level=1)).to_have_text(title)
    expect(visit.locator(".body p").first).to_be_visible()
    expect(visit.locator(".related li")).to_have_count(3)
    visit.mouse.move(200, 200)
    expect(visit.locator("[data-engaged]")).to_have_text("0:02")
    visit.get_by_role("button", name="Like").click()
    visit.evaluate("attune.flush()")
    [read] = open_service.stored(reader(2), "read")[-1:]
    assert read["article"] == id_
    assert read["value"] >= 1.5
    assert id_ in {event["article"] for event in open_service.stored(reader(2), "like")}


def test_follows_and_mutes_are_stored_and_taken_back(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(3), "attention")
    rows = visit.locator(".weights").first.locator("li")
    names = [name.lower() for name in rows.locator(".name").all_inner_texts()[:3]]
    for row, choice in enumerate(("Follow", "Focus", "Mute")):
        with visit.expect_response("**/preferences"):
            rows.nth(row).get_by_role("button", name=choice).click()
        expect(rows.nth(row).get_by_role("button", name=choice)).to_have_attribute("aria-pressed", "true")
    follow, focus, mute = names
    assert open_service.preferences(reader(3)) == {"follow": [follow], "focus": [focus], "mute": [mute]}
    with visit.expect_response("**/preferences"):
        visit.get_by_role("button", name="Undo").click()
    assert open_service.preferences(reader(3)) == {"follow": [follow], "focus": [focus], "mute": []}


def test_bars_are_as_long_as_the_weights_of_the_reads(visit: Page, open_service: ReaderService) -> None:
    with visit.expect_response("**/v1/readers/*/attention") as found:
        enter(visit, open_service, reader(4), "attention")
    reads = found.value.json()["reads"]
    assert reads
    bars = visit.locator(".reads .bar:visible")
    expect(bars).to_have_count(min(len(reads), 12))
    lengths = bars.evaluate_all("all => all.map(each => each.firstChild.offsetWidth / each.offsetWidth)")
    most = max(read["weight"] for read in reads)
    assert lengths == pytest.approx([read["weight"] / most for read in reads[: len(lengths)]], abs=0.03)


def test_a_read_that_was_no_interest_is_corrected(visit: Page, open_service: ReaderService) -> None:
    with visit.expect_response("**/v1/readers/*/attention") as found:
        enter(visit, open_service, reader(5), "attention")
    first, second = found.value.json()["reads"][:2]
    row = visit.locator(".reads li:visible")
    row.first.get_by_role("button", name="Not me").click()
    visit.get_by_role("button", name="Undo").click()
    row.nth(1).get_by_role("button", name="Not me").click()
    visit.get_by_role("link", name="Feed", exact=True).click()
    [stored] = open_service.stored(reader(5), "dislike")
    assert stored["article"] == second["article"] != first["article"]


def test_learning_is_paused_and_resumed(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(10), "attention")
    button = visit.get_by_role("button", name="Pause learning")
    button.click()
    resume = visit.get_by_role("button", name="Resume learning")
    expect(resume).to_be_focused()
    expect(resume).to_be_enabled()
    before = open_service.stored(reader(10), "click")
    enter(visit, open_service, reader(10))
    visit.locator("attune-feed article a").first.click()
    expect(visit.get_by_role("heading", level=1)).to_be_visible()
    visit.goto(f"{open_service.address}/attention")
    resume.click()
    expect(button).to_be_visible()
    assert open_service.stored(reader(10), "click") == before


def test_all_data_is_exported_and_erased(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(6), "attention")
    with visit.expect_download() as saved:
        visit.get_by_role("button", name="Export my data").click()
    assert reader(6) in saved.value.path().read_text()
    visit.get_by_role("button", name="Erase everything").click()
    visit.get_by_role("button", name="Keep my data").click()
    visit.get_by_role("button", name="Erase everything").click()
    visit.get_by_role("button", name="Erase", exact=True).click()
    expect(visit.get_by_role("heading", name="Everything is erased")).to_be_visible()
    expect(visit.locator(".data")).to_have_count(0)
    assert HTTP.get(f"{open_service.address}/v1/readers/{reader(6)}/export").json()["tables"]["events"] == []
    visit.goto(open_service.address)
    expect(visit.get_by_role("heading", name="Whose feed?")).to_be_visible()


def test_escape_after_an_erasure_that_failed_erases_nothing(visit: Page, open_service: ReaderService) -> None:
    erasures: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "DELETE":
            erasures.append(route.request.url)
            route.fulfill(status=503)
        else:
            route.fallback()

    enter(visit, open_service, reader(9), "attention")
    visit.route("**/v1/readers/*", answer)
    visit.get_by_role("button", name="Erase everything").click()
    visit.get_by_role("button", name="Erase", exact=True).click()
    expect(visit.get_by_role("alert")).to_contain_text("The erasure failed")
    visit.get_by_role("button", name="Erase everything").click()
    visit.keyboard.press("Escape")
    expect(visit.locator("dialog")).to_be_hidden()
    visit.wait_for_timeout(300)
    assert len(erasures) == 1


def test_with_keys_a_token_opens_the_feed_and_is_gone_with_the_tab(
    visit: Page, publisher: tuple[ReaderService, Site]
) -> None:
    service, _ = publisher
    visit.goto(service.address)
    expect(visit.get_by_role("heading", name="Sign in")).to_be_visible()
    assert reader(7) not in visit.content(), "readers are not named once keys exist"
    visit.get_by_label("Reader token").fill("nonsense")
    visit.get_by_role("button", name="Open feed").click()
    expect(visit.get_by_role("alert")).to_contain_text("not a reader token")
    visit.get_by_label("Reader token").fill(service.token(reader(7)))
    visit.get_by_role("button", name="Open feed").click()
    expect(visit.locator("attune-feed article").first).to_be_visible()
    assert visit.locator("attune-feed h3 a").first.get_attribute("href").startswith("https://news.example/")  # type: ignore[union-attr]
    visit.get_by_role("link", name="Your attention").click()
    expect(visit.locator(".weights li").first).to_be_visible()
    assert visit.evaluate("Object.keys(localStorage)") == []
    other = visit.context.new_page()
    other.goto(service.address)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", ["", "attention"])
def test_a_token_that_is_refused_asks_for_another_one(
    visit: Page, publisher: tuple[ReaderService, Site], path: str
) -> None:
    service, _ = publisher
    token = service.token(reader(16))
    visit.goto(f"{service.address}/{path}")
    for given in (token[:-3] + "abc", token):
        visit.get_by_label("Reader token").fill(given)
        visit.get_by_role("button", name="Open feed").click()
        if given != token:
            expect(visit.get_by_role("alert")).to_contain_text("has expired, or is wrong")
            expect(visit.locator("[data-who]")).to_be_hidden()
    expect(visit.locator("attune-feed article, .weights li").first).to_be_visible()
    expect(visit.get_by_role("alert")).to_be_hidden()
    expect(visit.locator("[data-who]")).to_be_visible()


def test_an_article_that_is_missing_is_not_a_question_for_a_reader(
    visit: Page, open_service: ReaderService
) -> None:
    visit.goto(f"{open_service.address}/read?id=none")
    expect(visit.get_by_role("heading", name="There is no such article")).to_be_visible()
    expect(visit.get_by_role("heading", name="Whose feed?")).to_be_hidden()


def test_days_and_shares_are_written_as_in_the_language_of_the_page(
    browser: BrowserContext, open_service: ReaderService
) -> None:
    assert browser.browser is not None
    with visitor(browser.browser, locale="de-DE") as context:
        german = context.new_page()
        enter(german, open_service, reader(17), "attention")
        expect(german.locator(".percent").first).to_have_text(re.compile(r"^\d+\s%$"))
        german.goto(f"{open_service.address}/read?id={newsroom().articles['id'][0]}")
        expect(german.locator("time")).to_have_text(re.compile(r"^\d+\. [A-ZÄÖÜ][a-zäöü]+ \d{4}$"))


def test_no_page_is_wider_than_the_window(visit: Page, open_service: ReaderService) -> None:
    enter(visit, open_service, reader(8))
    article = newsroom().articles["id"][0]
    for path in ("", "attention", f"read?id={article}", f"embed/feed?reader={reader(8)}"):
        visit.goto(f"{open_service.address}/{path}")
        visit.wait_for_timeout(300)
        for width in (360, 768, 1_440):
            visit.set_viewport_size({"width": width, "height": 800})
            assert visit.evaluate("document.documentElement.scrollWidth") <= width, path
