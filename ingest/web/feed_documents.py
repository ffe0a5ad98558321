"""One document of a source → rows of articles, further sources, deleted articles. The content decides its form."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from ingest.web.article_rows import WebEntry, article_row
from ingest.web.feed_entries import json_document, json_entries, xml_entries
from ingest.web.xml_lists import (
    deleted_entries,
    feeds_of_page,
    local_name,
    newest_sitemaps,
    opml_feeds,
    parse_xml,
    sitemap_entries,
)
from recsys.errors import DataError

MOST_ENTRIES = 10_000
"""Entries read of one document, from its start; a news sitemap may have 1,000."""

MOST_LISTED = 1_000
"""Sources taken from one list."""

_START = 2_000
_UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Document:
    """Content of one document.

    articles: rows with the fields of articles, oldest first, so that the newest of one id counts. sources:
    addresses in a list. deleted: ids of articles that the source declares deleted.
    """

    articles: list[dict[str, object]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


def read_document(content: bytes, base: str = "", content_type: str | None = None) -> Document:
    """Read RSS, Atom, JSON Feed, a sitemap, an index of sitemaps, an OPML list, or the feed links of a page.

    base: address of the document; links in it may be relative.

    Raises:
        DataError: it is none of these.
    """
    start = content[:_START].removeprefix(_UTF8_BOM).lstrip().lower()
    if start.startswith(b"{") and (found := json_document(content)) is not None:
        if "jsonfeed.org" not in str(found.get("version")) and not isinstance(found.get("items"), list):
            raise DataError("a JSON document without items is no JSON Feed; give the address of a feed")
        return Document(_rows(json_entries(found, base)))
    root = parse_xml(content)
    name = "" if root is None else local_name(root)
    if root is not None and name in ("urlset", "sitemapindex", "opml"):
        if name == "urlset":
            return Document(_news(root, base))
        return Document(
            sources=(newest_sitemaps if name == "sitemapindex" else opml_feeds)(root, base)[:MOST_LISTED]
        )
    entries = xml_entries(content, base, content_type)
    deleted = deleted_entries(root, base) if root is not None and name == "feed" else []
    if entries is not None:
        return Document(_rows(entries), deleted=deleted[:MOST_ENTRIES])
    feeds = feeds_of_page(content, base)[:MOST_LISTED]
    if not feeds:
        raise DataError("it is no RSS, Atom, JSON Feed, sitemap or OPML; give the address of a feed")
    return Document(sources=feeds)


def _news(root: Element, base: str) -> list[dict[str, object]]:
    entries = sitemap_entries(root, base)
    if not entries and len(root):
        raise DataError("a sitemap without news:title lists pages, not articles; give the news sitemap or a feed")
    return _rows(entries)


def _rows(entries: list[WebEntry]) -> list[dict[str, object]]:
    return [article_row(entry) for entry in reversed(entries[:MOST_ENTRIES])]
