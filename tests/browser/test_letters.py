"""A newsletter as a mail program shows it: without script, narrow and wide, with pictures that have a text."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext

from api.application.letters.letter_pages import Letter, LetterEntry, letter_html, letter_text

TITLE = "A word of a length " + "x" * 12

pytestmark = pytest.mark.xdist_group("browser-reader")


def letter(title: str, url: str | None = "https://news.example/a?b=1&c=2") -> Letter:
    entry = LetterEntry(
        id="a", title=title, url=url, image_url="https://news.example/p.jpg", category="local", source="Post",
        minutes=3.44, brief="The line opens in 2031.", reason="Because you read: Trams",
    )  # fmt: skip
    entries = [entry, LetterEntry("b", "Second", None, None, None, None, 0.2, "", "")]
    return Letter(
        "Your news", "r-1", entries, "https://s.example/embed/feed?token=x", "https://s.example/unsubscribe"
    )


def test_a_letter_fits_a_phone_and_breaks_no_rule_of_accessibility(browser: BrowserContext) -> None:
    page = browser.new_page()
    try:
        page.route("https://news.example/**", lambda route: route.abort())
        page.set_viewport_size({"width": 360, "height": 800})
        page.set_content(letter_html(letter(TITLE), "en"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert [image.get_attribute("alt") for image in page.locator("img").all()] == [TITLE]
        assert page.locator("h2 a").evaluate_all("links => links.map(each => each.href)") == [
            "https://news.example/a?b=1&c=2"
        ]
        assert "2 articles, 3.7 minutes" in page.inner_text("body")
        assert [each["id"] for each in Axe().run(page).response["violations"]] == []
    finally:
        page.close()


def test_values_of_articles_are_text_and_never_markup_or_script() -> None:
    made = letter('<img src=x onerror="alert(1)">', "javascript:alert(1)")
    page = letter_html(made, "en")
    assert "<img src=x" not in page and "javascript:" not in page and "&lt;img src=x" in page
    assert "javascript:" not in letter_text(made, "en")
    assert "Briefly: The line opens in 2031." in letter_text(made, "en")


@pytest.mark.parametrize(("language", "word"), [("da", "Kort:"), ("de", "Kurz:"), ("zh", "简介：")])
def test_fixed_texts_are_in_the_language_of_the_letter(language: str, word: str) -> None:
    for made in (letter_html(letter("T"), language), letter_text(letter("T"), language)):
        assert word in made
