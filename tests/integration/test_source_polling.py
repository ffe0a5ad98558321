"""Sources on a real server, read into a database."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.rolling_rejects import RollingRejects
from ingest.web.safe_fetch import Fetcher, Limits
from ingest.web.source_polling import LONGEST_WAIT, Polled, SourcePoller, wait_after_failure
from recsys.domain import HOUR, SECOND
from recsys.store import articles, feed_sources, withdrawals
from recsys.store.database import Database
from recsys.store.feed_sources import FeedSource
from tests.web_server import WebServer, page, versioned, web_server

NOW = 1_795_773_600_000_000
INTERVAL = 600


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def feed(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>Daily</title>{''.join(items)}</channel></rss>".encode()


def item(name: str, title: str, more: str = "") -> str:
    return f"<item><link>/{name}</link><title>{title}</title>{more}</item>"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Reader:
    """A poller, and the sources that it knows."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.clock, self.folder = database, Clock(), folder
        fetcher = Fetcher("Tester", allowed=lambda _: True, limits=Limits(pause=0.0, seconds=2.0))
        self.loop = asyncio.Runner()
        self.poller = SourcePoller(database, fetcher, RollingRejects(folder), self.clock)

    def add(self, url: str, full_text: bool = False) -> None:
        with self.database.write() as connection:
            feed_sources.add(connection, [FeedSource(url=url, interval=INTERVAL, next_at=0, full_text=full_text)])

    def poll(self) -> list[Polled]:
        with self.database.read() as connection:
            due = feed_sources.due(connection, self.clock.now, 100)
        return self.loop.run(self.poller.poll(due))

    def state(self, url: str) -> FeedSource:
        with self.database.read() as connection:
            return feed_sources.get(connection, [url])[0]

    def titles(self) -> dict[str, str]:
        with self.database.read() as connection:
            return dict(articles.columns_of(connection, ["id", "title"]).iter_rows())


@pytest.fixture
def reader(database: Database, tmp_path: Path) -> Iterator[Reader]:
    """A reader on each database in turn."""
    made = Reader(database, tmp_path / "rejects")
    yield made
    made.loop.close()


@pytest.fixture
def local_reader(sqlite_database: Database, tmp_path: Path) -> Iterator[Reader]:
    made = Reader(sqlite_database, tmp_path / "rejects")
    yield made
    made.loop.close()


def test_a_feed_is_stored_and_then_requested_only_if_it_changed(server: WebServer, reader: Reader) -> None:
    url = server.url("/feed")
    reader.add(url)
    server.pages["/feed"] = versioned(feed(item("a", "A")), '"1"')
    (first,) = reader.poll()
    assert first.counts["articles.stored"] == 1
    assert reader.poll() == []  # not due yet
    reader.clock.now += INTERVAL * SECOND
    (second,) = reader.poll()
    assert second.unchanged and server.headers[-1]["If-None-Match"] == '"1"'
    server.pages["/feed"] = versioned(feed(item("b", "B"), item("a", "A, corrected")), '"2"')
    reader.clock.now += INTERVAL * SECOND
    (third,) = reader.poll()
    assert (third.counts["articles.stored"], third.counts["articles.updated"]) == (1, 1)
    assert reader.titles() == {server.url("/a"): "A, corrected", server.url("/b"): "B"}
    state = reader.state(url)
    assert (state.etag, state.articles, state.changed_at) == ('"2"', 3, reader.clock.now)
    assert state.next_at == reader.clock.now + INTERVAL * SECOND


def test_equal_content_is_unchanged_without_validators(server: WebServer, local_reader: Reader) -> None:
    local_reader.add(server.url("/feed"))
    server.pages["/feed"] = page(feed(item("a", "A")))
    assert [each.unchanged for _ in range(2) for each in local_reader.poll() if _step(local_reader)] == [
        False,
        True,
    ]


def _step(reader: Reader) -> bool:
    reader.clock.now += INTERVAL * SECOND
    return True


def test_articles_without_a_date_or_with_a_future_one_keep_the_time_of_receipt(
    server: WebServer, local_reader: Reader
) -> None:
    local_reader.add(server.url("/feed"))
    future = "<pubDate>Fri, 27 Nov 2099 10:00:00 GMT</pubDate>"
    for text in ("", "again"):
        server.pages["/feed"] = page(feed(item("a", "A" + text), item("b", "B" + text, future)))
        local_reader.poll()
        local_reader.clock.now += HOUR
    with local_reader.database.read() as connection:
        found = articles.columns_of(connection, ["title", "published_at"])
    assert sorted(found.iter_rows()) == [("Aagain", NOW), ("Bagain", NOW)]


def test_a_failing_source_waits_longer_each_time_and_costs_only_itself(
    server: WebServer, local_reader: Reader
) -> None:
    bad, good = server.url("/bad"), server.url("/good")
    local_reader.add(bad)
    local_reader.add(good)
    server.pages["/good"] = page(feed(item("a", "A")))
    server.pages["/bad"] = page(b"", 500)
    failed, worked = sorted(local_reader.poll(), key=lambda each: each.error is None)
    assert "answers 500" in str(failed.error) and worked.counts["articles.stored"] == 1
    waits = []
    for _ in range(3):
        next_at = local_reader.state(bad).next_at
        assert next_at is not None
        waits.append((next_at - local_reader.clock.now) // SECOND)
        local_reader.clock.now = next_at
        local_reader.poll()
    assert waits == [2 * INTERVAL, 4 * INTERVAL, 8 * INTERVAL]
    server.pages["/bad"] = page(feed(item("b", "B")))
    local_reader.clock.now += LONGEST_WAIT
    local_reader.poll()
    assert (local_reader.state(bad).failures, local_reader.state(bad).error) == (0, None)


def test_the_wait_is_a_day_at_most_and_as_long_as_the_server_wants() -> None:
    assert wait_after_failure(900, 1_000) == LONGEST_WAIT
    assert wait_after_failure(60, 1, retry_seconds=3_600) == HOUR
    assert wait_after_failure(60, 1, retry_seconds=1e9) == LONGEST_WAIT


def test_a_source_that_is_gone_is_read_no_more(server: WebServer, local_reader: Reader) -> None:
    local_reader.add(server.url("/feed"))
    server.pages["/feed"] = page(b"", 410)
    local_reader.poll()
    local_reader.clock.now += 10 * LONGEST_WAIT
    assert local_reader.poll() == []
    assert local_reader.state(server.url("/feed")).next_at is None


def test_a_list_adds_its_sources(server: WebServer, local_reader: Reader) -> None:
    local_reader.add(server.url("/list"))
    server.pages["/list"] = page(b'<opml><body><outline xmlUrl="/feed"/><outline xmlUrl="/list"/></body></opml>')
    server.pages["/feed"] = page(feed(item("a", "A")))
    local_reader.poll()
    assert local_reader.titles() == {}
    local_reader.poll()
    assert local_reader.titles() == {server.url("/a"): "A"}
    assert local_reader.state(server.url("/feed")).interval == INTERVAL


def test_deleted_entries_are_withdrawn(server: WebServer, reader: Reader) -> None:
    reader.add(server.url("/feed"))
    server.pages["/feed"] = page(feed(item("a", "A")))
    reader.poll()
    gone = f'<d:deleted-entry xmlns:d="http://purl.org/atompub/tombstones/1.0" ref="{server.url("/a")}"/>'
    server.pages["/feed"] = page(f'<feed xmlns="http://www.w3.org/2005/Atom">{gone}</feed>'.encode())
    reader.clock.now += HOUR
    (polled,) = reader.poll()
    assert polled.withdrawn == 1 and reader.titles() == {}
    with reader.database.read() as connection:
        assert withdrawals.withdrawn(connection, [server.url("/a")])


def test_full_texts_come_from_pages_once_and_pages_that_are_gone_withdraw(
    server: WebServer, local_reader: Reader
) -> None:
    local_reader.add(server.url("/feed"), full_text=True)
    text = "The harbour has reopened after a year of work, and ships enter it again. " * 5
    html = f"<html><body><nav>Menu</nav><article><h1>A</h1><p>{text}</p></article></body></html>"
    server.pages |= {"/a": page(html.encode()), "/b": page(b"", 410), "/c": page(b"", 500)}
    for title in ("A", "A, corrected"):
        server.pages["/feed"] = page(feed(item("a", title), item("b", "B"), item("c", "C")))
        local_reader.poll()
        local_reader.clock.now += HOUR
    assert local_reader.titles() == {server.url("/a"): "A, corrected", server.url("/c"): "C"}
    with local_reader.database.read() as connection:
        bodies = dict(articles.columns_of(connection, ["id", "body"]).iter_rows())
    assert text.strip() in bodies[server.url("/a")] and "Menu" not in bodies[server.url("/a")]
    assert server.requests.count("/a") == 1


def test_pages_that_one_reading_leaves_are_read_by_the_next(server: WebServer, local_reader: Reader) -> None:
    local_reader.add(server.url("/feed"), full_text=True)
    names = [f"p{n}" for n in range(25)]
    text = "The harbour has reopened after a year of work, and ships enter it again. " * 5
    for name in names:
        server.pages[f"/{name}"] = page(f"<article><h1>{name}</h1><p>{name}: {text}</p></article>".encode())
    server.pages["/feed"] = versioned(feed(*(item(name, name) for name in names)), '"1"')
    for _ in range(3):
        local_reader.poll()
        local_reader.clock.now += HOUR
    assert sorted(path for path in server.requests if path != "/feed") == sorted(f"/{name}" for name in names)
    with local_reader.database.read() as connection:
        assert articles.columns_of(connection, ["body"])["body"].null_count() == 0


def test_entries_without_title_and_link_are_rejected_and_counted(server: WebServer, local_reader: Reader) -> None:
    local_reader.add(server.url("/feed"))
    server.pages["/feed"] = page(feed("<item><pubDate>soon</pubDate></item>", item("a", "A")))
    (polled,) = local_reader.poll()
    assert polled.counts["articles.rejected.id: missing"] == 1
    (file,) = local_reader.folder.glob("*.jsonl")
    assert server.url("/feed") in file.read_text()
