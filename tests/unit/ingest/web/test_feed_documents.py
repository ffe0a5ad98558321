"""Feeds, sitemaps and lists become rows that the store accepts."""
# ruff: noqa: E501 - documents as publishers write them

import time
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import generic_schema, validate
from ingest.web.article_rows import WebEntry, article_row
from ingest.web.feed_documents import Document, read_document
from recsys.errors import DataError

BASE = "https://news.example/feeds/all"

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Daily</title><language>en-GB</language>
<item><title>Harbour &lt;b&gt;reopens&lt;/b&gt;</title><link>/2026/harbour?utm_source=rss#top</link><guid>h-1</guid>
 <description>After a year.</description><content:encoded><![CDATA[<p>After a year.</p><p>Ships again.</p>]]></content:encoded>
 <pubDate>Fri, 27 Nov 2026 11:00:00 +0100</pubDate><category>Local</category><category>Ships</category>
 <dc:creator>Ann</dc:creator><media:content url="/i.jpg?s=1" medium="image"/></item>
<item><link>https://news.example/2025/storm-hits-the-coast.html</link></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"><title>Wire</title>
<at:deleted-entry ref="https://news.example/gone?utm_medium=x" when="2026-01-01T00:00:00Z"/>
<entry><id>tag:1</id><title type="html">One</title><updated>2026-11-27T10:00:00Z</updated>
<link rel="alternate" href="https://news.example/one"/><content type="html">&lt;img src="/p.png"&gt; Text</content></entry></feed>"""

JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "J", "language": "da", "items": [
{"id": 7, "url": "https://news.example/j", "content_text": "Hello there", "tags": ["a", "b"],
 "date_published": "2026-11-27T10:00:00+01:00", "authors": [{"name": "Bo"}], "image": "/x.png"}, 3, {"id": "empty"}]}"""

NEWS = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://news.example/n</loc><news:news>
<news:publication><news:name>Daily</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-11-27</news:publication_date><news:title>News</news:title>
<news:keywords>Local, Ships</news:keywords></news:news><image:image><image:loc>https://news.example/n.jpg</image:loc>
</image:image></url><url><loc>https://news.example/about</loc></url></urlset>"""


def stored(document: Document) -> list[dict[str, Any]]:
    """The rows as validation passes them on, without empty fields."""
    places = pl.DataFrame({"row": range(len(document.articles))}, schema={"row": pl.Int64})
    places = places.with_columns(file=pl.lit("f"), raw=pl.lit(None, dtype=pl.String))
    raw = generic_schema.from_rows(document.articles, places, "articles")
    assert raw.unused == frozenset() and raw.lost.is_empty(), raw.lost
    rows = validate.articles(raw.rows, time.time_ns() // 1_000 + 10**15).good.drop("file", "row", "markup")
    return [{name: value for name, value in row.items() if value not in (None, [])} for row in rows.to_dicts()]


def test_rss() -> None:
    older, newer = stored(read_document(RSS, BASE))
    assert newer == {
        "id": "https://news.example/2026/harbour", "url": "https://news.example/2026/harbour",
        "title": "Harbour reopens", "abstract": "After a year.", "body": "After a year.\nShips again.",
        "category": "Local", "entities": ["Ships"], "source": "Daily", "author": "Ann", "language": "en-GB",
        "published_at": 1_795_773_600_000_000, "image_url": "https://news.example/i.jpg?s=1",
    }  # fmt: skip
    assert older["title"] == "storm hits the coast"
    assert older["id"] == "https://news.example/2025/storm-hits-the-coast.html"


def test_atom_with_a_deletion() -> None:
    document = read_document(ATOM, BASE)
    assert document.deleted == ["https://news.example/gone"]
    (row,) = stored(document)
    assert (row["id"], row["abstract"], row["body"]) == ("https://news.example/one", "Text", "Text")
    assert row["image_url"] == "https://news.example/p.png"


def test_json_feed() -> None:
    (row,) = stored(read_document(JSON_FEED, BASE))
    assert row == {
        "id": "https://news.example/j", "url": "https://news.example/j", "title": "Hello there",
        "abstract": "Hello there", "body": "Hello there", "category": "a", "entities": ["b"], "source": "J",
        "author": "Bo", "language": "da", "published_at": 1_795_770_000_000_000,
        "image_url": "https://news.example/x.png",
    }  # fmt: skip


def test_a_news_sitemap_gives_its_news_and_no_other_page() -> None:
    (row,) = stored(read_document(NEWS, BASE))
    assert row == {
        "id": "https://news.example/n", "url": "https://news.example/n", "title": "News", "category": "Local",
        "entities": ["Ships"], "source": "Daily", "language": "en", "published_at": 1_795_737_600_000_000,
        "image_url": "https://news.example/n.jpg",
    }  # fmt: skip
    with pytest.raises(DataError, match="news sitemap or a feed"):
        read_document(b"<urlset><url><loc>https://news.example/about</loc></url></urlset>")


def test_lists_name_further_sources() -> None:
    index = (
        b"<sitemapindex><sitemap><loc>/old.xml</loc><lastmod>2020</lastmod></sitemap><sitemap><loc>/new.xml</loc>"
    )
    index += b"<lastmod>2026-11-27</lastmod></sitemap></sitemapindex>"
    assert read_document(index, BASE).sources == ["https://news.example/new.xml", "https://news.example/old.xml"]
    opml = b'<opml><body><outline text="x"><outline xmlUrl="https://a.example/f"/></outline><outline xmlUrl="ftp://b"/>'
    assert read_document(opml + b"</body></opml>").sources == ["https://a.example/f"]
    html = b'<!doctype html><link rel="alternate" type="application/rss+xml" href="/feed"><p>Front page<br>'
    assert read_document(html, BASE).sources == ["https://news.example/feed"]


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 9, b"<html><p>Hello", b'{"version": 3}', b"[1]", b"GIF89a"])
def test_other_content_is_an_error_that_names_the_forms(content: bytes) -> None:
    with pytest.raises(DataError, match="give the address of a feed"):
        read_document(content)


def test_an_empty_feed_is_a_feed() -> None:
    assert read_document(b"<rss version='2.0'><channel><title>x</title></channel></rss>") == Document()


def test_entity_expansion_and_outside_files_are_not_followed() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    feed = (
        bomb
        + b"<rss><channel><item><title>t &a; &b;</title><link>https://news.example/t</link></item></channel></rss>"
    )
    (row,) = read_document(feed).articles
    assert "root:" not in str(row) and "aaaa" not in str(row)


def test_entries_that_share_a_front_page_keep_ids_of_their_own() -> None:
    rows = [article_row(WebEntry(base=BASE, link="/", guid=guid, title="x")) for guid in ("1", "2", None)]
    assert len({row["id"] for row in rows}) == 3


TEXTS = st.none() | st.text(max_size=30) | st.sampled_from(
    ["null", "<b></b>", "&amp;lt;p&gt;", "\0", "\ud800", "x" * 20_000, "/a?b=ü", "https://a.example/" + "y" * 5_000]
)  # fmt: skip


@settings(max_examples=40)
@given(st.builds(WebEntry, base=st.sampled_from(["", BASE]), link=TEXTS, guid=TEXTS, title=TEXTS, summary=TEXTS,
                 content=TEXTS, author=TEXTS, source=TEXTS, language=TEXTS, image=TEXTS,
                 tags=st.lists(TEXTS.filter(lambda tag: tag is not None), max_size=3)))  # fmt: skip
def test_every_entry_with_a_title_or_a_link_can_be_stored(entry: WebEntry) -> None:
    if (entry.title or "").strip() or (entry.link or "").strip():
        assert len(stored(Document([article_row(entry)]))) == 1


@settings(max_examples=40)
@given(st.binary(max_size=60), st.sampled_from([RSS, ATOM, JSON_FEED, NEWS]), st.integers(0, 900))
def test_damaged_documents_give_rows_or_an_error(noise: bytes, content: bytes, at: int) -> None:
    try:
        document = read_document(content[:at] + noise + content[at:], BASE, "text/xml; charset=latin-7")
    except DataError:
        return
    assert all("id" in row for row in document.articles if "title" in row)
