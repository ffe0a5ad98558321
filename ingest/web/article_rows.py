"""Fields of an article on the web → a raw row for the generic formats.

Every entry with a title or a link becomes a row that can be stored: a missing title is taken from the text or the
link, and texts over the limits are cut.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ingest.field_values import PLACEHOLDERS, trimmed
from ingest.limits import LONGEST_ID
from ingest.markup import plain_text
from ingest.web.web_addresses import canonical_url, is_front_page

_LONGEST_TITLE = 2_000
_LONGEST_ABSTRACT = 20_000
_LONGEST_BODY = 900_000
_LONGEST_NAME = 200
_LONGEST_URL = 2_400
_MADE_TITLE = 120
_MADE_ABSTRACT = 500
_FULL_TEXT = 1_500
"""Characters; cut texts stay under the limits of `recsys.domain`, which count bytes (four a character at most). A
summary of more than the last one is taken as the full text."""

_MOST_TAGS = 50
_UNWANTED = re.compile("[\0\ud800-\udfff]")
_WORDS = re.compile(r"[-_+\s]+")
_ENDING = re.compile(r"\.\w{1,5}$")
_FIRST_IMAGE = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebEntry:
    """Entry of a feed or sitemap, as found. base: address that its links are relative to.

    guid: id that the feed gives it. published: ISO 8601. tags: the first one is the section.
    """

    base: str
    link: str | None = None
    guid: str | None = None
    title: str | None = None
    summary: str | None = None
    content: str | None = None
    author: str | None = None
    source: str | None = None
    language: str | None = None
    published: str | None = None
    image: str | None = None
    tags: Sequence[str] = field(default=())


def article_row(entry: WebEntry) -> dict[str, object]:
    """Return a row with the fields of articles; it lacks a title only if the entry says nothing at all."""
    url = canonical_url(entry.link, entry.base) if entry.link else None
    content, summary = _shown(entry.content, _LONGEST_BODY), _shown(entry.summary, _LONGEST_BODY)
    title = _shown(entry.title, _LONGEST_TITLE) or _made_title(entry, summary or content, url or entry.link)
    body = content or (summary if summary is not None and len(summary) > _FULL_TEXT else None)
    abstract = summary[:_LONGEST_ABSTRACT] if summary is not None and summary != body else _start(body)
    image = entry.image or _first_image(content) or _first_image(summary)
    tags = list(dict.fromkeys(tag for each in entry.tags if (tag := _shown(each, _LONGEST_NAME))))[:_MOST_TAGS]
    row: dict[str, object | None] = {
        "id": _id(entry, url, title),
        "title": title,
        "abstract": abstract,
        "body": body,
        "category": tags[0] if tags else None,
        "entities": [_bounded_id(plain_text(tag)) for tag in tags[1:]] or None,
        "source": _shown(entry.source, _LONGEST_NAME),
        "author": _shown(entry.author, _LONGEST_NAME),
        "language": _shown(entry.language, 20),
        "published_at": entry.published,
        "url": url if url is not None and len(url) <= _LONGEST_URL else None,
        "image_url": _image(image, url or entry.base),
    }
    return {name: value for name, value in row.items() if value is not None}


def _id(entry: WebEntry, url: str | None, title: str | None) -> str | None:
    """Return the canonical URL, else the id of the feed, else a hash. A front page is the link of many entries."""
    guid = _shown(entry.guid, _LONGEST_URL)
    if url is not None and not is_front_page(url):
        return _bounded_id(url)
    if guid is not None:
        return _bounded_id(guid)
    content = "\x1f".join((entry.base, entry.link or "", entry.title or "", title or ""))
    return None if title is None else _digest(content)


def _bounded_id(text: str) -> str:
    return text if len(text.encode()) <= LONGEST_ID else _digest(text)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()


def _shown(text: str | None, most: int) -> str | None:
    """Return a text of at most `most` characters that can be stored; None if nothing of it would be shown."""
    if not text:
        return None
    cut = trimmed(_UNWANTED.sub("", text))[:most]
    plain = trimmed(plain_text(cut))
    return None if plain.lower() in PLACEHOLDERS or cut.lower() in PLACEHOLDERS else cut


def _made_title(entry: WebEntry, text: str | None, link: str | None) -> str | None:
    """Return the start of a text, or the words of the link's last part, or the link; a picture is "Untitled"."""
    start = _shown(_cut(plain_text(text).replace("\n", " "), _MADE_TITLE), 2 * _MADE_TITLE) if text else None
    if start is not None:
        return start
    found = _words_of(link) or _shown(link, _MADE_TITLE) if link else None
    return found or ("Untitled" if entry.title or entry.link else None)


def _words_of(link: str) -> str | None:
    try:
        last = unquote(urlsplit(link).path.rstrip("/").rpartition("/")[2], errors="replace")
    except ValueError:
        return None
    words = _shown(_WORDS.sub(" ", _ENDING.sub("", last)), _MADE_TITLE)
    return None if words is None or words.isdigit() else words


def _start(body: str | None) -> str | None:
    return None if body is None else _cut(plain_text(body).partition("\n")[0], _MADE_ABSTRACT)


def _cut(text: str, most: int) -> str:
    """Cut a text between words."""
    if len(text) <= most:
        return text
    return (text[:most].rpartition(" ")[0] or text[:most]) + "…"


def _first_image(html: str | None) -> str | None:
    found = _FIRST_IMAGE.search(html) if html else None
    return found[1].replace("&amp;", "&") if found else None


def _image(link: str | None, base: str) -> str | None:
    """Return the address of an image; its parameters stay, since some servers sign them."""
    url = canonical_url(link, base) if link else None
    return url if url is not None and len(url) <= _LONGEST_URL else None
