"""`<attune-feed>` in a page of another origin that has the one script line."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.reader_service import ReaderService, reader
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser-widget")

Publisher = tuple[ReaderService, Site]


def show(page: Page, publisher: Publisher, who: str, attributes: str = "limit='5'", before: str = "") -> None:
    """Open a page with the widget for a reader."""
    service, site = publisher
    data = {"consent": "granted", "reader-token": service.token(who)}
    page.goto(site.put("feed", f"{before}<attune-feed {attributes}></attune-feed>", data))


def answer(page: Page, items: list[dict[str, Any]], cursor: str | None = None) -> None:
    """Let the service answer with these items."""
    body = json.dumps({"request_id": "q", "cursor": cursor, "items": items})
    headers = {"access-control-allow-origin": "*"}
    page.route("**/v1/feed?*", lambda route: route.fulfill(body=body, headers=headers))


def item(**article: str | None) -> dict[str, Any]:
    names = ("abstract", "category", "source", "published_at", "url", "image_url")
    fields = {"title": "A title", **dict.fromkeys(names), **article}
    return {"id": "a1", "position": 0, "minutes": 2.0, "article": fields, "reasons": [], "also_in": []}


def titles(page: Page) -> list[str]:
    return page.locator("article h3:visible").all_inner_texts()


def pick(page: Page, index: int, entry: str) -> None:
    page.locator("article .icon").nth(index).click()
    page.get_by_role("menuitem", name=entry).click()


def first_pages(requests: list[str]) -> int:
    return sum("/v1/feed" in url and "cursor=" not in url for url in requests)


def test_one_script_line_shows_the_feed_with_reasons(visit: Page, publisher: Publisher) -> None:
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(0))
    expect(visit.locator("article")).to_have_count(5)
    shown = found.value.json()["items"]
    assert titles(visit) == [each["article"]["title"] for each in shown]
    assert visit.locator(".reason").all_inner_texts() == [
        each["reasons"][0]["text"] for each in shown if each["reasons"]
    ]
    several = next(place for place, each in enumerate(shown) if len(each["reasons"]) > 1)
    article = visit.locator("article").nth(several)
    article.get_by_role("button", name="Why this?").click()
    assert article.locator(".reasons li").all_inner_texts() == [each["text"] for each in shown[several]["reasons"]]


def test_an_item_hidden_by_mistake_comes_back_and_only_the_other_one_is_sent(
    visit: Page, publisher: Publisher
) -> None:
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(1))
    feed = found.value.json()
    first, second = feed["items"][:2]
    pick(visit, 0, "Not for me")
    assert first["article"]["title"] not in titles(visit)
    visit.keyboard.press("Enter")  # the focus is on Undo
    assert first["article"]["title"] in titles(visit)
    pick(visit, 1, "Not for me")
    service, _ = publisher
    # leaving is the end of the time to undo; a real one may take the page's requests with it, as in a busy browser
    visit.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    [stored] = service.stored(reader(1), "hide")
    assert (stored["article"], stored["request_id"], stored["position"]) == (second["id"], feed["request_id"], 1)


def test_a_saved_article_is_sent_after_the_time_to_undo(visit: Page, publisher: Publisher) -> None:
    visit.clock.install()
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(2))
    visit.locator("article").first.get_by_role("button", name="Save").click()
    expect(visit.get_by_role("button", name="Undo")).to_be_focused()
    visit.clock.run_for(6_100)
    visit.evaluate("attune.flush()")
    service, _ = publisher
    [stored] = service.stored(reader(2), "save")
    assert stored["article"] == found.value.json()["items"][0]["id"]


def test_without_consent_the_widget_says_that_nothing_is_kept(visit: Page, publisher: Publisher) -> None:
    show(visit, publisher, reader(4))
    visit.evaluate("attune.consent(false)")
    visit.locator("article").first.get_by_role("button", name="Save").click()
    expect(visit.locator("article .note").first).to_have_text("Not saved: measurement is off in this browser.")
    title = titles(visit)[1]
    pick(visit, 1, "Not for me")
    assert title not in titles(visit)
    expect(visit.locator("article .note").nth(1)).to_contain_text("on this page only")


def test_a_muted_topic_leaves_the_list_and_undo_brings_it_back(visit: Page, publisher: Publisher) -> None:
    service, _ = publisher
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(3), "limit='10'")
    items = found.value.json()["items"]
    topic = items[0]["article"]["category"]
    pick(visit, 0, f"Mute {topic}")
    undo = visit.get_by_role("button", name="Undo")
    undo.wait_for()
    assert service.preferences(reader(3)) == {"follow": [], "focus": [], "mute": [topic]}
    assert titles(visit) == [each["article"]["title"] for each in items if each["article"]["category"] != topic]
    with visit.expect_response("**/preferences"):
        undo.click()
    assert service.preferences(reader(3)) == {"follow": [], "focus": [], "mute": []}
    assert titles(visit) == [each["article"]["title"] for each in items]


def test_undo_keeps_what_was_chosen_since_for_others(visit: Page, publisher: Publisher) -> None:
    service, _ = publisher
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(13))
    topic = found.value.json()["items"][0]["article"]["category"]
    service.prefer(reader(13), focus=[topic])
    pick(visit, 0, f"Follow {topic}")
    undo = visit.get_by_role("button", name="Undo")
    undo.wait_for()
    service.prefer(reader(13), follow=[topic], mute=["chess"])  # on another page
    with visit.expect_response("**/preferences"):
        undo.click()
    assert service.preferences(reader(13)) == {"follow": [], "focus": [topic], "mute": ["chess"]}


def test_a_followed_source_is_stored_with_earlier_choices(visit: Page, publisher: Publisher) -> None:
    service, _ = publisher
    with visit.expect_response("**/v1/feed?*") as found:
        show(visit, publisher, reader(4))
    chosen = found.value.json()["items"][0]["article"]
    for name in (chosen["category"], chosen["source"]):
        pick(visit, 0, f"Follow {name}")
        expect(visit.locator(".note")).to_contain_text(name)
    assert service.preferences(reader(4))["follow"] == sorted((chosen["category"], chosen["source"]))


def test_the_feed_continues_where_the_reader_scrolls_and_repeats_nothing(
    visit: Page, publisher: Publisher
) -> None:
    show(visit, publisher, reader(5), "limit='6'")
    for count in (6, 12, 18):
        expect(visit.locator("article")).to_have_count(count)
        visit.evaluate("scrollTo(0, document.body.scrollHeight)")
    ids = visit.locator("[data-attune-item]").evaluate_all("all => all.map(each => each.dataset.attuneItem)")
    assert len(set(ids)) == len(ids) >= 18


def test_a_budget_of_minutes_is_kept(visit: Page, publisher: Publisher) -> None:
    show(visit, publisher, reader(6), "minutes='0'")
    slider = visit.get_by_role("slider", name="Time to read")
    assert slider.get_attribute("aria-valuetext") == "No limit"
    with visit.expect_response("**/v1/feed?*minutes=10*") as found:
        slider.fill("10")
    shown = found.value.json()["items"]
    expect(visit.locator("article")).to_have_count(len(shown))
    assert slider.get_attribute("aria-valuetext") == "10 min"
    assert 0 < sum(each["minutes"] for each in shown) <= 10.5


def test_the_feed_is_of_the_next_reader_who_signs_in(visit: Page, publisher: Publisher) -> None:
    service, _ = publisher
    show(visit, publisher, reader(7))
    expect(visit.locator("article")).to_have_count(5)
    with visit.expect_response("**/v1/feed?*") as found:
        visit.evaluate("token => attune.reader(token)", service.token(reader(8)))
    assert found.value.json()["reader"] == reader(8)
    expect(visit.locator("article")).to_have_count(5)
    visit.evaluate("attune.reader()")
    expect(visit.locator(".state")).to_have_text("Sign in to see your feed.")
    assert titles(visit) == []


def test_a_renewed_token_of_the_same_reader_changes_nothing_that_is_shown(
    visit: Page, publisher: Publisher
) -> None:
    service, _ = publisher
    show(visit, publisher, reader(14))
    expect(visit.locator("article")).to_have_count(5)
    pick(visit, 0, "Not for me")
    requests: list[str] = []
    visit.on("request", lambda request: requests.append(request.url))
    visit.evaluate("token => attune.reader(token)", service.token(reader(14)))
    visit.wait_for_timeout(300)
    expect(visit.get_by_role("button", name="Undo")).to_be_focused()
    assert first_pages(requests) == 0


def test_a_new_token_replaces_one_that_was_refused(visit: Page, publisher: Publisher) -> None:
    service, _ = publisher
    headers = {"access-control-allow-origin": "*"}
    visit.route("**/v1/feed?*", lambda route: route.fulfill(status=401, headers=headers), times=1)
    visit.add_init_script("window.refusals = 0; addEventListener('attune-refused', () => window.refusals++)")
    show(visit, publisher, reader(14))
    expect(visit.locator(".state")).to_contain_text("Sign in to see your feed.")
    assert visit.evaluate("window.refusals") == 1, "with it, a page can get a new token"
    visit.evaluate("token => attune.reader(token)", service.token(reader(14)))
    expect(visit.locator("article")).to_have_count(5)


def test_a_page_that_is_prepared_requests_the_feed_when_it_is_seen(visit: Page, publisher: Publisher) -> None:
    requests: list[str] = []
    visit.on("request", lambda request: requests.append(request.url))
    visit.add_init_script(
        "window.hidden = true;"
        "Object.defineProperty(Document.prototype, 'prerendering', {get: () => window.hidden})"
    )
    show(visit, publisher, reader(14), "limit='5' minutes='0'")
    visit.get_by_role("slider").wait_for()
    visit.wait_for_timeout(300)
    assert first_pages(requests) == 0
    visit.evaluate("window.hidden = false; document.dispatchEvent(new Event('prerenderingchange'))")
    expect(visit.locator("article")).to_have_count(5)
    assert first_pages(requests) == 1


def test_items_in_the_shadow_of_the_widget_are_measured(visit: Page, publisher: Publisher) -> None:
    show(visit, publisher, reader(9))
    expect(visit.locator("article")).to_have_count(5)
    visit.bring_to_front()
    visit.wait_for_timeout(2_300)
    visit.evaluate("attune.flush()")
    service, _ = publisher
    shown = {event["article"] for event in service.stored(reader(9), "impression")}
    assert visit.locator("[data-attune-item]").first.get_attribute("data-attune-item") in shown


def test_a_lost_network_is_explained_and_the_feed_comes_back_with_it(visit: Page, publisher: Publisher) -> None:
    show(visit, publisher, reader(10), "minutes='0'")
    expect(visit.locator("article").first).to_be_visible()
    visit.context.set_offline(True)
    visit.get_by_role("slider").fill("10")
    expect(visit.locator(".state")).to_contain_text("You are offline.")
    visit.context.set_offline(False)
    expect(visit.locator("article").first).to_be_visible()


def test_a_failure_can_be_tried_again(visit: Page, publisher: Publisher) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503, headers={"access-control-allow-origin": "*"})

    visit.route("**/v1/feed?*", refuse, times=1)
    show(visit, publisher, reader(11))
    expect(visit.locator(".state")).to_contain_text("The feed could not be loaded.")
    visit.get_by_role("button", name="Try again").click()
    expect(visit.locator("article")).to_have_count(5)


def test_an_empty_feed_says_so(visit: Page, publisher: Publisher) -> None:
    answer(visit, [])
    show(visit, publisher, reader(12))
    expect(visit.locator(".state")).to_have_text("Nothing new for you right now.")


def test_places_of_items_are_shown_while_they_load(visit: Page, publisher: Publisher) -> None:
    held: list[Route] = []
    visit.route("**/v1/feed?*", lambda route: held.append(route))
    show(visit, publisher, reader(12))
    expect(visit.locator(".bone:visible")).to_have_count(5)
    expect(visit.locator("[role=status]")).to_have_text("Loading …")
    held[0].continue_()
    expect(visit.locator("article")).to_have_count(5)
    expect(visit.locator(".bone:visible")).to_have_count(0)


def test_content_of_an_article_is_never_run(visit: Page, publisher: Publisher) -> None:
    bad = "<img src=x onerror='window.hacked = 1'>"
    answer(visit, [item(title=bad, abstract=bad, url="javascript:hacked=1", image_url="javascript:hacked=1")])
    show(visit, publisher, reader(12))
    expect(visit.locator("h3")).to_have_text(bad)
    assert visit.locator("h3 a").get_attribute("href") is None
    assert visit.locator("article img").count() == 0
    assert visit.evaluate("window.hacked") is None


def test_an_image_that_is_missing_leaves_its_place(visit: Page, publisher: Publisher) -> None:
    answer(visit, [item(image_url="https://nowhere.example/1.jpg")])
    visit.route("https://nowhere.example/**", lambda route: route.fulfill(status=404))
    show(visit, publisher, reader(12))
    expect(visit.locator(".picture img")).to_have_count(0)
    size = visit.locator(".picture").bounding_box()
    assert size is not None
    assert size["height"] == pytest.approx(size["width"] * 9 / 16, abs=1)


def test_everything_can_be_reached_with_the_keyboard(visit: Page, publisher: Publisher) -> None:
    show(visit, publisher, reader(12))
    menu = visit.locator("article .icon").first
    menu.focus()
    visit.keyboard.press("ArrowDown")
    assert menu.get_attribute("aria-expanded") == "true"
    entries = visit.locator("article").first.get_by_role("menuitem")
    for key, place in (("ArrowDown", 1), ("End", -1), ("ArrowDown", 0), ("ArrowUp", -1), ("Home", 0)):
        visit.keyboard.press(key)
        expect(entries.nth(place)).to_be_focused() if place >= 0 else expect(entries.last).to_be_focused()
    visit.keyboard.press("Escape")
    expect(menu).to_be_focused()
    assert menu.get_attribute("aria-expanded") == "false"
    visit.keyboard.press("PageDown")
    expect(visit.locator("article").nth(1)).to_be_focused()
    visit.keyboard.press("PageUp")
    expect(visit.locator("article").first).to_be_focused()


def test_texts_and_requests_are_in_the_language_of_the_element(visit: Page, publisher: Publisher) -> None:
    texts = {"da": "Gem", "de-AT": "Merken", "zh-CN": "收藏", "fi": "Save"}
    sent: list[str] = []
    visit.on("request", lambda request: sent.append(request.headers.get("accept-language", "")))
    before = "".join(f"<attune-feed limit='1' lang='{language}'></attune-feed>" for language in texts)
    show(visit, publisher, reader(12), "limit='1' lang='en'", before)
    for language, text in texts.items():
        expect(visit.locator(f"[lang={language}]").get_by_role("button", name=text, exact=True)).to_be_visible()
    assert {"da", "de-AT", "zh-CN", "en"} <= set(sent)
    assert "fi" not in sent, "reasons come in the language of the words around them"


def test_dates_are_in_the_language_of_the_words_around_them(visit: Page, publisher: Publisher) -> None:
    answer(visit, [item(published_at="2024-03-05T10:00:00Z")])
    show(visit, publisher, reader(12), "lang='da'", "<attune-feed lang='fi'></attune-feed>")
    expect(visit.locator("attune-feed[lang=fi] .facts")).to_contain_text("Mar 5, 2024")
    expect(visit.locator("attune-feed[lang=da] .facts")).to_contain_text("5. mar. 2024")


def test_other_articles_of_a_story_are_named_by_source_or_in_the_same_source_by_title(
    visit: Page, publisher: Publisher
) -> None:
    copy = {"id": "a2", "title": "Comment", "url": "https://news.example/2"}
    others = [copy | {"source": "Post"}, copy | {"source": "Herald"}]
    answer(visit, [item(source="Post") | {"also_in": others}])
    show(visit, publisher, reader(12))
    expect(visit.locator(".also")).to_have_text("Also in Comment, Herald")


def test_a_page_without_the_widget_does_not_load_it(visit: Page, publisher: Publisher) -> None:
    _, site = publisher
    loaded: list[str] = []
    visit.on("request", lambda request: loaded.append(request.url))
    visit.goto(site.put("plain", "<p>text"))
    visit.wait_for_function("window.attune")
    assert not any("attune-feed" in url for url in loaded)
    with visit.expect_response("**/static/attune-feed.js"):
        visit.evaluate("document.body.append(document.createElement('attune-feed'))")
    expect(visit.locator(".state")).to_have_text("Sign in to see your feed.")


def test_a_policy_without_inline_styles_is_enough(visit: Page, publisher: Publisher) -> None:
    service, site = publisher
    site.csp = (
        f"default-src 'none'; script-src {service.address}; connect-src {service.address}; img-src https:; "
        "style-src-attr 'unsafe-inline'"  # of the test page's own body
    )
    errors: list[str] = []
    visit.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    show(visit, publisher, reader(12))
    expect(visit.locator("article")).to_have_count(5)
    site.csp = ""
    assert visit.locator("article").first.evaluate("each => getComputedStyle(each).position") == "relative"
    assert [error for error in errors if "favicon" not in error] == []
