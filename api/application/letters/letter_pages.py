"""A newsletter as HTML and as text. Templates are compiled once; every value of an article is escaped in HTML."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, Template


@dataclass(frozen=True, slots=True)
class LetterEntry:
    """One article of a letter. minutes: reading time; brief, reason: empty if there is none."""

    id: str
    title: str
    url: str | None
    image_url: str | None
    category: str | None
    source: str | None
    minutes: float
    brief: str
    reason: str

    @property
    def shown_minutes(self) -> str:
        """Minutes for people: whole ones, at least one."""
        return str(max(round(self.minutes), 1))


@dataclass(frozen=True, slots=True)
class Letter:
    """Newsletter of one reader. feed_url, unsubscribe_url: links with tokens of this reader."""

    subject: str
    request_id: str
    entries: Sequence[LetterEntry]
    feed_url: str
    unsubscribe_url: str

    @property
    def minutes(self) -> float:
        """Reading time of all articles."""
        return math.fsum(entry.minutes for entry in self.entries)

    @property
    def total(self) -> str:
        """Minutes of all articles for people, to a tenth and never less."""
        return f"{math.ceil(self.minutes * 10 - 1e-6) / 10:g}"


@cache
def letter_texts(language: str) -> Mapping[str, str]:
    """Return the fixed texts of letters in a language of `letter_templates/texts.json`."""
    found: dict[str, dict[str, str]] = json.loads(
        (files("api.application.letters") / "letter_templates" / "texts.json").read_text("utf-8")
    )
    return found[language]


def letter_subject(day: date, language: str) -> str:
    """Return the subject of the letters of a day, which is written as the language does."""
    texts = letter_texts(language)
    return texts["subject"].format(date=texts["date"].format(day=day))


def letter_html(letter: Letter, language: str) -> str:
    """Return the letter as a page with inline styles: without script, style sheet or table."""
    return _template("letter.html.j2").render(letter=letter, texts=letter_texts(language), language=language)


def letter_text(letter: Letter, language: str) -> str:
    """Return the letter as plain text."""
    return _template("letter.txt.j2").render(letter=letter, texts=letter_texts(language))


@cache
def _template(name: str) -> Template:
    pages = Environment(
        loader=PackageLoader("api.application.letters", "letter_templates"),
        autoescape=name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters["web_address"] = _web_address
    return pages.get_template(name)


def _web_address(address: str | None) -> str | None:
    """Return an address of the web, or None: no address of an article may run a script."""
    try:
        return address if address and urlsplit(address).scheme in ("http", "https") else None
    except ValueError:
        return None
