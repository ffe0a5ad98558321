"""Requests stay within the public internet and their limits."""

import asyncio
import gzip
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from ingest.web.safe_fetch import Fetcher, FetchError, Limits, Page
from tests.web_server import WebServer, page, versioned, web_server

QUICK = Limits(most_bytes=10_000, seconds=0.4, pause=0.0)


@pytest.fixture(scope="module")
def running() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def server(running: WebServer) -> WebServer:
    running.pages.clear()
    running.requests.clear()
    running.headers.clear()
    return running


def loopback(address: str) -> bool:
    return address == "127.0.0.1"


def get(url: str, *, allowed: Callable[[str], bool] = loopback, limits: Limits = QUICK, **known: str) -> Page:
    return asyncio.run(Fetcher("Tester/1 (+me)", allowed=allowed, limits=limits).get(url, **known))


def test_a_page_comes_with_its_validators_and_is_requested_by_name(server: WebServer) -> None:
    server.pages["/a"] = page(b"hello", ETag='"1"', Last_Modified="then", Content_Type="text/xml")
    assert get(server.url("/a")) == Page(server.url("/a"), b"hello", "text/xml", '"1"', "then")
    assert server.headers[0]["User-Agent"] == "Tester/1 (+me)"
    assert server.headers[0]["Host"] == f"127.0.0.1:{server.port}"


def test_an_unchanged_page_has_no_content(server: WebServer) -> None:
    server.pages["/a"] = versioned(b"hello", '"1"')
    assert get(server.url("/a"), etag='"1"').unchanged
    assert not get(server.url("/a"), etag='"2"').unchanged


def test_a_private_address_is_refused_before_any_request(server: WebServer) -> None:
    with pytest.raises(FetchError, match=r"private network.*--allow-private"):
        asyncio.run(Fetcher("Tester").get(server.url("/a")))
    with pytest.raises(FetchError, match="private network"):
        asyncio.run(Fetcher("Tester").get(server.url("/a", "localhost")))
    assert server.requests == []


def test_a_redirect_is_checked_again(server: WebServer) -> None:
    server.pages["/a"] = page(b"", 302, Location="/b")
    server.pages["/b"] = page(b"", 301, Location=server.url("/secret", "127.0.0.2"))
    with pytest.raises(FetchError, match="private network"):
        get(server.url("/a"))
    assert server.requests == ["/a", "/b"]
    server.pages["/b"] = page(b"", 301, Location="file:///etc/passwd")
    with pytest.raises(FetchError, match="http:// or https://"):
        get(server.url("/a"))
    server.pages["/b"] = page(b"found")
    assert get(server.url("/a")).url == server.url("/b")


def test_endless_redirects_end(server: WebServer) -> None:
    server.pages["/a"] = page(b"", 302, Location="/a")
    with pytest.raises(FetchError, match="more than 5 times"):
        get(server.url("/a"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_page_is_not_read_to_its_end(server: WebServer, packed: bool) -> None:
    content = b"x" * 5_000_000
    server.pages["/a"] = page(gzip.compress(content), Content_Encoding="gzip") if packed else page(content)
    with pytest.raises(FetchError, match="larger than"):
        get(server.url("/a"))


def test_a_compressed_page_and_a_compressed_file_are_unpacked(server: WebServer) -> None:
    server.pages["/a"] = page(gzip.compress(b"text"), Content_Encoding="gzip")
    server.pages["/b.gz"] = page(gzip.compress(b"text"))
    server.pages["/c"] = page(gzip.compress(b"text" * 100)[:20], Content_Encoding="gzip")
    assert [get(server.url(path)).content for path in ("/a", "/b.gz")] == [b"text", b"text"]
    with pytest.raises(FetchError, match="incomplete"):
        get(server.url("/c"))


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_bytes_is_left_at_the_time_limit(server: WebServer, start: bytes) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start or b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(100):
            handler.wfile.write(b"y")
            time.sleep(0.05)

    server.pages["/a"] = drip
    started = time.monotonic()
    with pytest.raises(FetchError, match="longer than"):
        get(server.url("/a"))
    assert time.monotonic() - started < 3


def test_an_error_carries_its_status_and_the_wait_that_the_server_wants(server: WebServer) -> None:
    server.pages["/a"] = page(b"", 503, Retry_After="120")
    with pytest.raises(FetchError, match="503") as caught:
        get(server.url("/a"))
    assert (caught.value.status, caught.value.retry_seconds) == (503, 120.0)


def test_requests_to_one_host_keep_their_distance(server: WebServer) -> None:
    server.pages["/a"] = page(b"hello")
    fetcher = Fetcher("Tester", allowed=loopback, limits=Limits(pause=0.15))

    async def thrice() -> None:
        await asyncio.gather(*(fetcher.get(server.url("/a")) for _ in range(3)))

    started = time.monotonic()
    asyncio.run(thrice())
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/a", "http:// or https://"),
        ("http:///a", "http:// or https://"),
        ("http://me:secret@example.org/", "remove them"),
        ("http://[::1", "is not an address"),
        ("http://127.0.0.1:9/", "cannot be reached"),
    ],
)
def test_other_addresses_are_refused_with_a_reason(url: str, message: str) -> None:
    with pytest.raises(FetchError, match=message) as caught:
        get(url)
    assert "secret" not in str(caught.value)
