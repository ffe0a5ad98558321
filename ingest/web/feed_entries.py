"""RSS and Atom (by feedparser, which also reads ill-formed ones) and JSON Feed 1.1 → entries."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import feedparser

from ingest.web.article_rows import WebEntry
from recsys.errors import DataError

_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:$|\?)", re.IGNORECASE)
_LONGEST_TIME = 100


def xml_entries(content: bytes, base: str, content_type: str | None) -> list[WebEntry] | None:
    """Return the entries of RSS or Atom, in the document's order; None if it is neither.

    Raises:
        DataError: feedparser fails.
    """
    headers = {"content-location": base} if base else {}
    if content_type is not None:
        headers["content-type"] = content_type
    try:
        # a stream: feedparser would take bytes for the name of a file first
        found = feedparser.parse(io.BytesIO(content), response_headers=headers)
    except Exception as error:  # whatever it meets in a stranger's feed: one source fails, the others go on
        raise DataError(f"the feed cannot be parsed ({type(error).__name__}: {error})") from error
    if not found.get("version") and not found.entries:
        return None
    origin = base or _text(found.feed.get("link")) or ""  # a file has no address
    return [_xml_entry(entry, found.feed, origin) for entry in found.entries]


def _xml_entry(entry: Any, feed: Any, base: str) -> WebEntry:
    contents = sorted((_text(each.get("value")) or "" for each in entry.get("content", ())), key=len)
    return WebEntry(
        base=base,
        link=_text(entry.get("feedburner_origlink")) or _text(entry.get("link")) or _alternate(entry),
        guid=_text(entry.get("id")),
        title=_text(entry.get("title")),
        summary=_text(entry.get("summary")),
        content=contents[-1] if contents else None,
        author=_text(entry.get("author")),
        source=_text((entry.get("source") or {}).get("title")) or _text(feed.get("title")),
        language=_text(entry.get("language")) or _text(feed.get("language")),
        published=_published(entry),
        image=next(_images(entry), None),
        tags=[
            tag for each in entry.get("tags", ()) if (tag := _text(each.get("label")) or _text(each.get("term")))
        ],
    )


def _alternate(entry: Any) -> str | None:
    links = [each for each in entry.get("links", ()) if each.get("rel", "alternate") in ("alternate", "via")]
    return next((href for each in links if (href := _text(each.get("href")))), None)


def _published(entry: Any) -> str | None:
    """Return the first date that can be read, as ISO 8601 in UTC."""
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        # feedparser warns where `updated` would come from `published`
        moment = entry.get(name) if name in entry else None
        if moment is None:
            continue
        try:
            year, month, day, hour, minute, second = moment[:6]
            return datetime(year, month, day, hour, minute, min(second, 59)).isoformat() + "Z"
        except (ValueError, TypeError):
            continue
    return None


def _images(entry: Any) -> Iterator[str]:
    for each in entry.get("media_content", ()):
        kind, medium = _text(each.get("type")) or "", each.get("medium")
        url = _text(each.get("url"))
        if url and (medium == "image" or kind.startswith("image/") or (not kind and _PICTURE_FILE.search(url))):
            yield url
    for each in entry.get("links", ()):
        if each.get("rel") == "enclosure" and str(each.get("type", "")).startswith("image/") and each.get("href"):
            yield str(each["href"])
    for each in (*entry.get("media_thumbnail", ()), entry.get("image") or {}):
        url = _text(each.get("url")) or _text(each.get("href"))
        if url:
            yield url


def json_entries(document: Mapping[str, Any], base: str) -> list[WebEntry]:
    """Return the entries of a JSON Feed, https://www.jsonfeed.org/version/1.1/."""
    items = document.get("items")
    objects = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    return [_json_entry(item, document, base) for item in objects]


def _json_entry(item: Mapping[str, Any], feed: Mapping[str, Any], base: str) -> WebEntry:
    authors = _objects(item.get("authors")) or _objects(item.get("author")) or _objects(feed.get("authors"))
    names = [name for each in authors if (name := _text(each.get("name")))]
    published = _text(item.get("date_published")) or _text(item.get("date_modified"))
    tags = item.get("tags")
    return WebEntry(
        base=base,
        link=_text(item.get("url")) or _text(item.get("external_url")),
        guid=_text(item.get("id")),
        title=_text(item.get("title")),
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or _text(item.get("content_text")),
        author=", ".join(names) or None,
        source=_text(feed.get("title")),
        language=_text(item.get("language")) or _text(feed.get("language")),
        published=published[:_LONGEST_TIME] if published else None,
        image=_text(item.get("image")) or _text(item.get("banner_image")),
        tags=[tag for each in tags if (tag := _text(each))] if isinstance(tags, list) else [],
    )


def json_document(content: bytes) -> Mapping[str, Any] | None:
    """Return the object of a JSON document, None if it is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _objects(value: object) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, Mapping)]


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
