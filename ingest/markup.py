"""Plain text of articles: feeds, encoders and searches need texts without HTML and invisible characters."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import polars as pl

TEXTS = ("title", "abstract", "body", "category", "subcategory", "author", "source")
"""Fields of articles that are cleaned."""

_LINES = ("abstract", "body")
"""Fields that may have several lines."""

_SUSPECT = "[<&\u00a0\u00ad\u200b\u202a-\u202e\u2060\ufeff]"
_INVISIBLE = re.compile("[\u00ad\u200b\u202a-\u202e\u2060\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_BLOCKS = re.compile("p|br|div|li|[uo]l|h[1-6]|tr|table|blockquote")
_SKIPPED = frozenset(("script", "style"))


def cleaned(articles: pl.DataFrame) -> pl.DataFrame:
    """Remove markup from the texts of articles; `markup` keeps the originals of those that changed, as JSON."""
    suspect = articles.select(pl.any_horizontal(pl.col(name).str.contains(_SUSPECT) for name in TEXTS)).to_series()
    if not suspect.any():
        return articles
    rows = articles.rows(named=True)
    for place in suspect.fill_null(value=False).arg_true().to_list():
        rows[place] = _cleaned(rows[place])
    return pl.DataFrame(rows, schema=articles.schema)


def _cleaned(article: dict[str, Any]) -> dict[str, Any]:
    plain = {name: plain_text(article[name]) for name in TEXTS if article[name] is not None}
    plain |= {name: text.replace("\n", " ") for name, text in plain.items() if name not in _LINES}
    changed = {name: article[name] for name, text in plain.items() if text != article[name]}
    if not changed:
        return article
    texts = {name: plain[name] or None for name in changed}
    return {**article, **texts, "markup": json.dumps(changed, ensure_ascii=False)}


def plain_text(text: str) -> str:
    """Return a text without tags, entities and invisible characters; lines remain lines.

    Joiners stay, since Persian, Hindi and emoji need them.
    """
    if "<" in text or "&" in text:
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
    lines = _SPACES.sub(" ", _INVISIBLE.sub("", text))
    return _BREAKS.sub("\n", lines).strip()


class _Text(HTMLParser):
    """Collects the text between tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._skipping = tag in _SKIPPED
        if _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._skipping = False
        if _BLOCKS.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(data)
