"""Texts of pages for readers: each language has all of them, and pages use no other ones."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from api.http import problem_pages
from api.http.page_texts import page_texts
from api.http.reason_texts import ENGLISH, TRANSLATIONS
from recsys.feed.past_actions import PastAction

WEB = Path(str(files("api"))) / "web"
PAGES = ["shell", "feed", "attention", "article", "embedded_feed", "unsubscribe"]


def places(texts: Any, above: str = "") -> Iterator[tuple[str, int]]:
    """The name of each text, and how many names or numbers it takes."""
    for name, value in texts.items():
        if isinstance(value, str):
            assert value.strip(), f"{above}{name} is empty"
            yield above + name, value.count("{}")
        else:
            yield from places(value, f"{above}{name}.")


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_the_texts_of_the_english_pages(language: str) -> None:
    assert dict(places(page_texts(language))) == dict(places(page_texts(ENGLISH)))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_texts_that_exist(page: str) -> None:
    source = (WEB / "pages" / f"{page}.html").read_text("utf-8")
    used = set(re.findall(r"\btexts\.(\w+\.\w+)", source))
    assert used and used <= dict(places(page_texts(ENGLISH))).keys()


def test_scripts_use_texts_that_exist_and_no_others_are_sent() -> None:
    sources = "".join(path.read_text("utf-8") for path in sorted((WEB / "reader").glob("*.ts")))
    used = set(re.findall(r"\btexts\.(\w+)", sources))
    assert used == page_texts(ENGLISH)["script"].keys()


def test_every_action_on_an_article_has_a_word() -> None:
    assert page_texts(ENGLISH)["script"]["actions"].keys() == set(PastAction)


def test_every_status_of_a_problem_has_a_text() -> None:
    others = {"wrong", "later", "again", "first_page"}
    assert page_texts(ENGLISH)["problem"].keys() == {*problem_pages.KINDS.values(), *others}
