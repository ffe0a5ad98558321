"""Home timeline of a Mastodon account, read through the API of its server.

Ids of posts are those of ActivityPub, and undated events have the ids of an archive: what an archive
(`ingest.sources.mastodon`) and the timeline both have is one row.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingest import reasons
from ingest.generic_schema import DEFAULT, Reading
from ingest.markup import plain_text
from ingest.raw_batch import Batch
from ingest.sources.social_rows import Row, SocialRows, event_row, post_title, undated_event
from recsys.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mastodon import Mastodon

Json = Mapping[str, Any]

PAGE_POSTS = 40
"""Posts of a page: the most that servers send."""

_PAGE_ACCOUNTS = 80
_SECONDS = 30.0
_PUBLIC = ("public", "unlisted")
_FLAGS = {"favourited": "favourite", "bookmarked": "bookmark"}


class MastodonTimeline:
    """Source of the newest posts of a home timeline, and of the accounts that its owner follows.

    Positions are rows. The server counts requests: the client waits when it has used up those of five minutes.
    """

    name = "timeline"

    def __init__(self, client: "Mastodon", pages: int, reading: Reading = DEFAULT) -> None:
        """Read up to `pages` pages of posts.

        Raises:
            DataError: the server cannot be reached, or refuses the token.
        """
        self._reading = reading
        self._found = _read(client, pages)
        rows = json.dumps([reading.job_name(self.name), self._found.rows, self._found.rejects], default=str)
        self.fingerprint = hashlib.blake2b(rows.encode(), digest_size=16).hexdigest()
        self.total = self._found.total

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield batches of rows; the last one has the rows that are not stored."""
        yield from self._found.batches(start, self._reading)


def open_client(server: str, token: str, user_agent: str) -> "Mastodon":
    """Return a client of the API of `server`; it makes no request yet.

    Raises:
        ConfigError: the client is not installed.
    """
    try:
        from mastodon import Mastodon
    except ImportError as error:
        raise ConfigError("the client of Mastodon is missing: install attune[social]") from error
    return Mastodon(access_token=token, api_base_url=server, request_timeout=_SECONDS, user_agent=user_agent)


def _read(client: "Mastodon", pages: int) -> SocialRows:
    from mastodon import MastodonError, MastodonUnauthorizedError

    server = client.api_base_url
    try:
        owner = client.account_verify_credentials()
        posts = list(_posts(client, pages))
        followed = client.fetch_remaining(client.account_following(owner["id"], limit=_PAGE_ACCOUNTS))
    except MastodonUnauthorizedError as error:
        raise DataError(f"{server} refuses the token: create one with the scope read, and set it again") from error
    except MastodonError as error:
        raise DataError(
            f"the timeline of {server} cannot be read: {error}; check the address of the server"
        ) from error
    return _rows(owner, posts, followed)


def _posts(client: "Mastodon", pages: int) -> Iterator[Json]:
    """Yield the posts of up to `pages` pages, newest first."""
    page = client.timeline_home(limit=PAGE_POSTS)
    yield from page
    for _ in range(pages - 1):
        page = client.fetch_next(page)
        if not page:
            return
        yield from page


def _rows(owner: Json, posts: list[Json], followed: list[Json]) -> SocialRows:
    host = urlsplit(owner["url"]).hostname or ""
    me, found = _person(owner, host), SocialRows()
    originals = [post.get("reblog") or post for post in posts]
    uris = {str(post["id"]): post["uri"] for post in originals}
    for number, (post, original) in enumerate(zip(posts, originals, strict=True), start=1):
        place, uri = ("timeline", number), post["uri"]
        if post["visibility"] not in _PUBLIC or original["visibility"] not in _PUBLIC:
            found.reject(place, reasons.NOT_PUBLIC, uri)
            continue
        at, author = _time(post["created_at"]), _person(post["account"], host)
        found.note_time(at)
        above = uris.get(str(original.get("in_reply_to_id")))
        found.add("articles", _post(original, host, above), place, original["uri"])
        if original is not post:
            found.add("events", event_row(author, "boost", at, article=original["uri"], id=uri), place, uri)
        elif above is not None:
            found.add("events", event_row(author, "reply", at, article=above, id=uri), place, uri)
    for number, original in enumerate(originals, start=1):
        for kind in (kind for flag, kind in _FLAGS.items() if original.get(flag)):
            if original["visibility"] in _PUBLIC:
                row = undated_event(me, kind, found.newest, article=original["uri"])
                found.add("events", row, ("timeline", number), original["uri"])
    for number, account in enumerate(followed, start=1):
        person = _person(account, host)
        row = undated_event(me, "follow", found.newest, subject=person)
        found.add("events", row, ("following", number), person)
    return found


def _post(post: Json, host: str, above: str | None) -> Row:
    attachments = [
        each.get("preview_url") for each in post.get("media_attachments") or () if each["type"] == "image"
    ]
    return {
        "id": post["uri"],
        "title": post_title(post.get("spoiler_text"), plain_text(post["content"])),
        "body": post["content"] or None,
        "author": _person(post["account"], host),
        "published_at": _time(post["created_at"]),
        "url": post.get("url"),
        "language": post.get("language"),
        "entities": [tag["name"] for tag in post.get("tags") or ()],
        "image_url": next(iter(attachments), None),
        "reply_to": above,
    }


def _person(account: Json, host: str) -> str:
    """Return name@host; accounts of the server itself are named without a host."""
    name = str(account["acct"])
    return name if "@" in name else f"{name}@{host}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
