"""The console as an editor uses it: one walk through the day, what is refused, phones, and no violation of axe."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from recsys.domain import HOUR
from recsys.models import bundle
from recsys.store.database import opened
from recsys.store.tables import console_sessions, events, impressions
from tests.browser.console_service import ACTIVE, FORMER, TRIED, ConsoleService, console_service
from tests.browser.reader_service import visitor
from tests.trained import Place

pytestmark = pytest.mark.xdist_group("browser-console")

PAGES = (
    "console", "console?window=hour", "console/front-page", "console/articles", "console/rules", "console/readers",
    "console/models", f"console/models/one?version={ACTIVE}", "console/evaluation", "console/data",
    "console/attention", "console/webhooks", "console/keys", "console/audit", "console/settings",
)  # fmt: skip


@pytest.fixture(scope="module")
def service(trained: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleService]:
    with console_service(trained, tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture
def profile(browser: BrowserContext) -> Iterator[BrowserContext]:
    """A profile of its own."""
    assert browser.browser is not None
    with visitor(browser.browser) as context:
        yield context


@pytest.fixture
def editor(profile: BrowserContext, service: ConsoleService) -> Page:
    """A page that has signed in."""
    page = profile.new_page()
    sign_in(page, service)
    return page


def sign_in(page: Page, service: ConsoleService) -> None:
    page.goto(f"{service.address}/console")
    page.get_by_label("Admin key").fill(service.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()


def go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Console").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def slates(service: ConsoleService) -> int:
    with opened(service.place.settings.database_url) as database, database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(impressions)).scalar_one())


def test_an_editor_works_through_the_day(editor: Page, service: ConsoleService) -> None:
    errors: list[str] = []
    hosts: set[str] = set()
    editor.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    editor.on("pageerror", lambda error: errors.append(str(error)))
    editor.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    article, readers, before = service.article, service.readers, slates(service)

    go(editor, "Articles")  # find an article: results come while the editor types
    editor.get_by_label("Words of the title").press_sequentially(article["title"].split()[1][:6].upper())
    editor.get_by_label("Words of the title").fill(article["id"])
    expect(editor.locator("#results tbody tr")).to_have_count(1)
    editor.get_by_role("link", name=article["title"]).click()
    expect(editor.get_by_role("heading", level=1)).to_have_text(article["title"])

    editor.get_by_role("button", name="Explain the headline").click()  # why was it flagged
    expect(editor.locator(".words")).to_contain_text(article["title"].split()[0])
    expect(editor.get_by_text(re.compile(r"The detector flags \d+ of"))).to_be_visible()

    editor.get_by_label("Place").fill("1")  # pin it for an hour
    editor.get_by_role("button", name="Add rule").click()
    expect(editor.get_by_role("status")).to_contain_text("The rule acts now")
    expect(editor.locator("tbody tr")).to_contain_text("pin to place 1")

    for reader in readers[:3]:  # preview three readers
        go(editor, "Front page")
        editor.get_by_label("Reader id").fill(reader)
        editor.get_by_role("button", name="Show the page").click()
        first = editor.locator(".feed li").first
        expect(first).to_contain_text(article["title"])
        expect(first).to_contain_text("rule: pin to place 1")
        assert reader not in editor.url
    assert slates(service) == before, "a preview logs nothing"

    go(editor, "Models")  # start a trial, and end it
    editor.get_by_label("Model", exact=True).select_option(TRIED)
    editor.get_by_role("button", name="Start trial").click()
    expect(editor.get_by_role("heading", name="A trial runs")).to_be_visible()
    editor.get_by_role("button", name="End trial").click()
    editor.get_by_role("button", name="End trial").click()
    expect(editor.get_by_role("status")).to_contain_text("The trial has ended")

    editor.get_by_role("button", name=f"Roll back to {FORMER}").click()  # roll back
    assert bundle.active_version(service.place.home) == ACTIVE, "a question changes nothing"
    editor.get_by_role("button", name="Roll back").click()
    expect(editor.get_by_role("status")).to_contain_text("serves again")
    assert bundle.active_version(service.place.home) == FORMER
    bundle.activate(service.place.home, ACTIVE)

    go(editor, "Readers")  # erase a reader
    editor.get_by_label("Reader id").fill(readers[-1])
    editor.get_by_role("button", name="Look up").click()
    editor.get_by_role("button", name="Erase reader").click()
    editor.get_by_role("button", name="Erase for good").click()
    expect(editor.get_by_role("heading", name="The reader is erased")).to_be_visible()
    with opened(service.place.settings.database_url) as database, database.read() as connection:
        left = sa.select(sa.func.count()).select_from(events).where(events.c.reader == readers[-1])
        assert connection.execute(left).scalar_one() == 0

    go(editor, "Audit")  # all of it is on record
    acts = ["reader erased", "model rolled back", "trial ended", "trial started", "rule added", "signed in"]
    expect(editor.locator('td[data-name="Act"]')).to_have_text([*acts, *["key created"], "model activated"])

    editor.get_by_role("button", name="Sign out").click()
    expect(editor.get_by_label("Admin key")).to_be_visible()
    editor.go_back()
    editor.reload()
    expect(editor.get_by_label("Admin key")).to_be_visible()
    assert hosts == {urlsplit(service.address).netloc}
    assert [each for each in errors if "401" not in each] == []


def test_a_wrong_key_is_refused_and_can_be_corrected(profile: BrowserContext, service: ConsoleService) -> None:
    page = profile.new_page()
    page.goto(f"{service.address}/console")
    page.keyboard.type("att_wrong")  # the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not a valid admin key")
    page.keyboard.type(service.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()


def test_an_expired_session_asks_for_the_key_also_from_a_part_of_a_page(
    editor: Page, service: ConsoleService
) -> None:
    go(editor, "Articles")
    with opened(service.place.settings.database_url) as database, database.write() as connection:
        connection.execute(sa.update(console_sessions).values(used_at=console_sessions.c.used_at - HOUR))
    editor.get_by_label("Words of the title").fill("a")
    expect(editor.get_by_label("Admin key")).to_be_visible()


def test_a_form_of_another_session_is_refused(editor: Page, service: ConsoleService) -> None:
    go(editor, "Keys")
    other = editor.context.new_page()
    other.context.clear_cookies()
    sign_in(other, service)
    editor.get_by_role("button", name="Create key").click()
    expect(editor.get_by_role("alert")).to_contain_text("the form is of another session")
    expect(editor.get_by_role("heading", level=1)).to_have_text("The form is not of this session")


def test_every_page_fits_a_phone_and_has_no_violation_light_or_dark(editor: Page, service: ConsoleService) -> None:
    editor.set_viewport_size({"width": 390, "height": 844})
    found: list[tuple[str, str, str, list[str]]] = []
    article = f"console/articles/one?id={service.article['id']}"
    for path in (*PAGES, article):
        editor.goto(f"{service.address}/{path}")
        if path == article:
            editor.get_by_role("button", name="Explain the headline").click()
            editor.locator(".words li").first.wait_for()
        found += violations(editor, path)
    editor.goto(f"{service.address}/console/front-page")
    editor.get_by_label("Reader id").fill(service.readers[0])
    editor.get_by_label("Beside it").select_option(FORMER)
    editor.get_by_role("button", name="Show the page").click()
    editor.get_by_text("Why this score").first.click()
    found += violations(editor, "preview")
    editor.goto(f"{service.address}/console/readers")
    editor.get_by_label("Reader id").fill(service.readers[0])
    editor.get_by_role("button", name="Look up").click()
    found += violations(editor, "reader")
    editor.get_by_role("button", name="Erase reader").click()
    found += violations(editor, "question")
    editor.context.clear_cookies()
    editor.goto(f"{service.address}/console")
    found += violations(editor, "sign-in")
    assert found == []


def violations(page: Page, name: str) -> list[tuple[str, str, str, list[str]]]:
    """Page, theme, rule of axe that it breaks, and where; also a page that is wider than the screen."""
    found: list[tuple[str, str, str, list[str]]] = []
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > 390:
        found.append((name, "", "wider than the screen", [str(width)]))
    page.emulate_media(color_scheme="light")
    broken = {"light": Axe().run(page).response["violations"]}
    page.emulate_media(color_scheme="dark")
    # axe is in the page now, and a theme changes only colours
    broken["dark"] = page.evaluate("axe.run({runOnly: ['color-contrast']}).then(found => found.violations)")
    return found + [
        (name, theme, each["id"], [node["html"] for node in each["nodes"]][:3])
        for theme, each_theme in broken.items()
        for each in each_theme
    ]
