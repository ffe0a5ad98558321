"""The operations that clients have: parameters → requests. The API documentation describes their answers."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote

Answer = dict[str, Any]
"""JSON object; times are ISO 8601 in UTC."""

Access = Literal["free", "all"]
"""Articles that a reader may open: free ones, or also those of subscribers."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. repeatable: sending it twice has the effect of sending it once."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    repeatable: bool = True


class FeedOptions(TypedDict, total=False):
    """Options of a feed."""

    limit: int
    cursor: str
    category: str
    exclude: list[str]
    minutes: float
    diversity: float
    explore: float
    explain: bool
    device: str
    page: str
    access: Access
    include: Literal["tldr"]
    preview: bool


class RankOptions(TypedDict, total=False):
    """Options of a ranking: a stored reader or a history, not both."""

    reader: str
    history: list[str | dict[str, Any]]
    device: str
    page: str
    explain: bool


class Operations(ABC, Generic[Result]):
    """Operations of a client. `Result`: the answer, or with asyncio a coroutine that returns it.

    Every operation raises `AttuneClientError` if the service refuses the request or cannot be reached.
    """

    @abstractmethod
    def _send(self, call: Call) -> Result:
        """Send a request, again if it fails and may be repeated, and return the answer."""

    def feed(self, reader: str | None = None, **options: Unpack[FeedOptions]) -> Result:
        """Return a page of the feed of `reader`; with a reader token, of its reader."""
        query = {**options} if reader is None else {"reader": reader, **options}
        # two feeds would count as shown, of which the reader saw one
        return self._send(Call("GET", "/v1/feed", query, repeatable=False))

    def rank(self, candidates: Iterable[str], **options: Unpack[RankOptions]) -> Result:
        """Rank up to 2,000 articles, by id."""
        return self._send(Call("POST", "/v1/rank", body={"candidates": list(candidates), **options}))

    def events(self, rows: Iterable[Mapping[str, Any]]) -> Result:
        """Store up to 1,000 events. One without an id gets one, so that a repeated request stores it once."""
        body = {"events": [{"id": uuid.uuid4().hex, **row} for row in rows]}
        return self._send(Call("POST", "/v1/events", body=body))

    def articles(self, rows: Iterable[Mapping[str, Any]]) -> Result:
        """Store up to 1,000 articles; the newest content of an id wins."""
        return self._send(Call("POST", "/v1/articles", body={"articles": list(rows)}))

    def preferences(
        self, reader: str, *, follow: Iterable[str] = (), focus: Iterable[str] = (), mute: Iterable[str] = ()
    ) -> Result:
        """Replace the subjects that a reader follows, focuses on and muted; what is left out ends.

        A subject is a topic, source, author or entity.
        """
        body = {"follow": list(follow), "focus": list(focus), "mute": list(mute)}
        return self._send(Call("PUT", _reader(reader, "/preferences"), body=body))

    def pause_learning(self, reader: str, *, paused: bool = True) -> Result:
        """Store nothing more of what a reader is shown and reads; with `paused=False`, store and learn again."""
        return self._send(Call("PUT", _reader(reader, "/learning"), body={"paused": paused}))

    def attention(self, reader: str) -> Result:
        """Return the learned attention and the preferences of a reader."""
        return self._send(Call("GET", _reader(reader, "/attention")))

    def export(self, reader: str) -> Result:
        """Return all stored data of a reader."""
        return self._send(Call("GET", _reader(reader, "/export")))

    def erase(self, reader: str) -> Result:
        """Erase all data of a reader, and return the receipt. Keep it: it is returned once."""
        return self._send(Call("DELETE", _reader(reader)))

    def reader_token(self, reader: str, seconds: int = 3_600, access: Access = "all") -> Result:
        """Mint a token with which the page of a reader acts for this reader, for at most a day.

        access: `free` for readers who may not open articles of subscribers; their feeds have none.
        """
        body = {"reader": reader, "seconds": seconds, "access": access}
        return self._send(Call("POST", "/v1/reader-tokens", body=body))


def _reader(reader: str, path: str = "") -> str:
    return f"/v1/readers/{quote(reader, safe='')}{path}"
