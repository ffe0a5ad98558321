"""XML that lists addresses: sitemaps with news, indexes of sitemaps, OPML, and deletions in Atom.

defusedxml refuses entity expansion and outside entities, which feeds of strangers could misuse.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingest.web.article_rows import WebEntry
from ingest.web.web_addresses import canonical_url

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_NEWEST_SITEMAPS = 20


def parse_xml(content: bytes) -> Element | None:
    """Return the root of a well-formed document, None for any other."""
    try:
        found: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return found


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower()


def sitemap_entries(root: Element, base: str) -> list[WebEntry]:
    """Return the pages of a sitemap that have a `news:title`; the others may be no articles.

    Source: https://www.sitemaps.org/protocol.html and Google's extensions for news and images.
    """
    entries = (_sitemap_entry(each, base) for each in root if local_name(each) == "url")
    return [entry for entry in entries if entry.title]


def _sitemap_entry(page: Element, base: str) -> WebEntry:
    own, news, image = _children(page), _texts(page, "news"), _texts(page, "image")
    return WebEntry(
        base=base,
        link=own.get("loc"),
        title=news.get("title"),
        source=news.get("name"),
        language=news.get("language"),
        published=news.get("publication_date") or own.get("lastmod"),
        image=image.get("loc"),
        tags=[each.strip() for each in news.get("keywords", "").split(",") if each.strip()],
    )


def _children(element: Element) -> dict[str, str]:
    return {local_name(each): each.text.strip() for each in element if each.text and each.text.strip()}


def _texts(page: Element, name: str) -> dict[str, str]:
    """Return the texts in the first child `name`, at any depth."""
    found = next((each for each in page if local_name(each) == name), None)
    return {} if found is None else {k: v for each in found.iter() for k, v in _children(each).items()}


def newest_sitemaps(root: Element, base: str) -> list[str]:
    """Return the addresses in an index of sitemaps: the newest ones by `lastmod`, since old ones hold old news."""
    listed = [_children(each) for each in root if local_name(each) == "sitemap"]
    newest = sorted(listed, key=lambda each: each.get("lastmod", ""), reverse=True)
    return _addresses((each.get("loc") for each in newest), base)[:_NEWEST_SITEMAPS]


def opml_feeds(root: Element, base: str) -> list[str]:
    """Return the addresses of the feeds in an OPML list, at any depth (http://opml.org/spec2.opml)."""
    outlines = (each for each in root.iter() if local_name(each) == "outline")
    attributes = ({name.lower(): value for name, value in each.attrib.items()} for each in outlines)
    return _addresses((each.get("xmlurl") for each in attributes), base)


def deleted_entries(root: Element, base: str) -> list[str]:
    """Return the ids that Atom declares deleted (RFC 6721), as ids of articles."""
    refs = (each.get("ref") for each in root.iter(_DELETED))
    return [ref for each in refs if each and (ref := canonical_url(each, base) or each)]


def feeds_of_page(content: bytes, base: str) -> list[str]:
    """Return the feeds that an HTML page names with `<link rel="alternate">`."""
    links = _FeedLinks()
    links.feed(content.decode(errors="replace"))
    return _addresses(iter(links.found), base)


def _addresses(links: Iterator[str | None], base: str) -> list[str]:
    found = (canonical_url(link, base) for link in links if link)
    return list(dict.fromkeys(url for url in found if url is not None))


class _FeedLinks(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        given = {name: value or "" for name, value in attrs}
        rel, kind = given.get("rel", "").lower().split(), given.get("type", "").lower()
        if tag == "link" and "alternate" in rel and kind in _FEED_TYPES and given.get("href"):
            self.found.append(given["href"])
