"""Requests for pages that strangers may have chosen: public addresses only, few bytes, little time, polite.

The address that was checked is the one that is connected to, so a name that changes its address between check and
connection (DNS rebinding) gains nothing. Each redirect is checked again. Proxies of the environment are not used:
they would resolve names themselves.
"""

import asyncio
import socket
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from ingest.web.web_addresses import is_public
from recsys.errors import DataError

_REDIRECTS = (301, 302, 303, 307, 308)
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, "
    "application/json;q=0.9, text/html;q=0.8, */*;q=0.1"
)
_GZIP_OR_ZLIB = 47
"""`wbits` of zlib that accepts both."""

GZIP_MARK = b"\x1f\x8b"


class FetchError(DataError):
    """A page cannot be read now.

    Attributes:
        status: of the answer; None without an answer.
        retry_seconds: the shortest wait that the server wants; None if it names none.
    """

    def __init__(self, message: str, status: int | None = None, retry_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one page: bytes after decompression, seconds over all redirects.

    pause: seconds between requests to one host.
    """

    most_bytes: int = 10 * 1_024**2
    seconds: float = 20.0
    pause: float = 1.0
    most_redirects: int = 5


@dataclass(frozen=True, slots=True)
class Page:
    """Answer with its content; `url` is the address after redirects. unchanged: 304, without content."""

    url: str
    content: bytes = b""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False


DEFAULT_LIMITS = Limits()


class Fetcher:
    """Reader of pages, for one event loop.

    Args:
        user_agent: name that servers see.
        allowed: returns True for the IP addresses that may be read; the default is the public internet.
        limits: of each page.
    """

    def __init__(
        self, user_agent: str, *, allowed: Callable[[str], bool] = is_public, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        self._allowed = allowed
        self._limits = limits
        self._certificates = httpx.create_ssl_context(trust_env=False)  # reading them takes longer than a request
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: dict[str, float] = {}

    async def get(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Page:
        """Read a page; with `etag` or `last_modified`, only if it changed (RFC 9110 §13).

        Raises:
            FetchError: the address is not allowed, the server fails, or the page is over a limit.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = self._headers | {name: value for name, value in conditions.items() if value is not None}
        left, address = self._limits.seconds, url
        for _ in range(self._limits.most_redirects + 1):
            target = checked_address(address)
            await self._turn(target.host)
            started = time.monotonic()
            try:
                async with asyncio.timeout(left):
                    found = await self._request(target, headers)
            except TimeoutError as error:
                raise FetchError(f"{url} took longer than {self._limits.seconds:g} s") from error
            if isinstance(found, Page):
                return found
            left = max(0.0, left - (time.monotonic() - started))
            address = found
        raise FetchError(f"{url} redirects more than {self._limits.most_redirects} times; give its last address")

    async def _turn(self, host: str) -> None:
        """Wait until the host may be read again."""
        async with self._turns[host]:
            await asyncio.sleep(max(0.0, self._free_at.get(host, 0.0) - time.monotonic()))
            self._free_at[host] = time.monotonic() + self._limits.pause

    async def _request(self, target: httpx.URL, headers: Mapping[str, str]) -> Page | str:
        """Return the page, or the address of a redirect."""
        failure: httpx.HTTPError | None = None
        for address in await allowed_addresses(target, self._allowed, "use --allow-private"):
            try:
                return await self._request_at(target, address, headers)
            except httpx.ConnectError as error:  # another address of the host may answer
                failure = error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise FetchError(f"{target} cannot be read: {error or type(error).__name__}") from error
        raise FetchError(f"{target} cannot be reached: {failure}") from failure

    async def _request_at(self, target: httpx.URL, address: str, headers: Mapping[str, str]) -> Page | str:
        own = {**headers, "Host": target.netloc.decode()}
        names = {"sni_hostname": target.raw_host.decode()} if target.scheme == "https" else {}
        async with (
            httpx.AsyncClient(verify=self._certificates, trust_env=False, timeout=self._limits.seconds) as client,
            client.stream("GET", target.copy_with(host=address), headers=own, extensions=names) as response,
        ):
            status = response.status_code
            if status in _REDIRECTS:
                return _redirect(target, response)
            if status == httpx.codes.NOT_MODIFIED:
                return Page(str(target), unchanged=True)
            if status != httpx.codes.OK:
                raise FetchError(
                    f"{target} answers {status} {response.reason_phrase}".strip(),
                    status,
                    _retry_seconds(response.headers.get("Retry-After")),
                )
            return Page(
                str(target),
                await self._content(response, target),
                response.headers.get("Content-Type"),
                response.headers.get("ETag"),
                response.headers.get("Last-Modified"),
            )

    async def _content(self, response: httpx.Response, target: httpx.URL) -> bytes:
        """Read and decompress in pieces, so that no small answer fills the memory."""
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", "deflate", ""):
            raise FetchError(f"{target} is compressed as {encoding}, which was not requested")
        received = bytearray()
        async for piece in response.aiter_raw():
            received += piece
            if len(received) > self._limits.most_bytes:
                raise _too_large(target, self._limits.most_bytes)
        packed = encoding not in ("identity", "")
        content = inflated(bytes(received), self._limits.most_bytes) if packed else bytes(received)
        if content.startswith(GZIP_MARK):  # a sitemap.xml.gz
            content = inflated(content, self._limits.most_bytes)
        return content


def inflated(packed: bytes, most_bytes: int) -> bytes:
    """Decompress gzip or zlib.

    Raises:
        FetchError: the data is damaged, or unpacks to more than `most_bytes`.
    """
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        content = unpacker.decompress(packed, most_bytes + 1)
    except zlib.error as error:
        raise FetchError(f"the compressed content is damaged: {error}") from error
    if len(content) > most_bytes:
        raise _too_large("the content", most_bytes)
    if not unpacker.eof:
        raise FetchError("the compressed content is incomplete")
    return content


def _too_large(target: object, most_bytes: int) -> FetchError:
    return FetchError(f"{target} is larger than {most_bytes / 1_024**2:g} MiB")


async def allowed_addresses(target: httpx.URL, allowed: Callable[[str], bool], fix: str) -> list[str]:
    """Return the IP addresses of a URL's host. Connect to one of them, not to the name, which may change.

    allowed: returns True for the IP addresses that may be used; `fix`: what an operator does to allow the others.

    Raises:
        FetchError: there is no such host, or one of its addresses is not allowed.
    """
    host = target.raw_host.decode()
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, target.port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"there is no host {host}: {error}; check the address") from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not all(map(allowed, addresses)):
        raise FetchError(f"{target} is in a private network, which is not requested; if you trust it, {fix}")
    return addresses


def checked_address(address: str) -> httpx.URL:
    """Return the URL of an address that may be requested.

    Raises:
        FetchError: it is not http or https, or contains a password.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise FetchError(f"{address[:200]!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(f"{address[:200]} is not read: give an address that starts with http:// or https://")
    if url.userinfo:
        raise FetchError("an address with a user name or password is not read: it would be stored; remove them")
    return url


def _redirect(target: httpx.URL, response: httpx.Response) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError(f"{target} redirects to nowhere")
    try:
        return str(target.join(location))
    except httpx.InvalidURL as error:
        raise FetchError(f"{target} redirects to no address: {error}") from error


def _retry_seconds(given: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date."""
    if given is None:
        return None
    if given.strip().isdecimal():
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
