"""Home timeline of a Mastodon account, read through the API of its server.

Ids of posts are those of ActivityPub, and undated events have the ids of an archive: what an archive
(`ingest.sources.mastodon`) and the timeline both have is one row.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ingest import reasons
from ingest.generic_schema import DEFAULT, Reading
from ingest.markup import plain_text
from ingest.raw_batch import Batch
from ingest.sources.social_rows import Row, SocialRows, event_row, post_title, undated_event
from recsys.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mastodon import Mastodon
    from requests import Session

PAGE_POSTS = 40
"""Posts of a page: the most that servers send."""

_PAGE_ACCOUNTS, _MOST_ACCOUNT_PAGES = 80, 100
_SECONDS = 30.0
_ERROR_CHARS = 200
"""Errors of the client may contain the whole answer of a server."""

_PARTS = 4
"""Parts of the client's error for a status: its own text, the status, its words, what the server says."""

_REFUSED = (401, 403, 422)
"""Statuses for a token that is unknown, lacks a scope, or belongs to no account; snac answers 422 for each."""

_PUBLIC = ("public", "unlisted")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

T = TypeVar("T", bound=BaseModel)


def _in_utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


class _Answer(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)


class _Account(_Answer):
    id: str
    acct: str = Field(min_length=1)
    url: str


class _Tag(_Answer):
    name: str


class _Attachment(_Answer):
    type: str
    preview_url: str | None = None


class _Post(_Answer):
    """Status of the API, as far as it is used."""

    id: str
    uri: str = Field(min_length=1)
    account: _Account
    created_at: Annotated[datetime, AfterValidator(_in_utc)]
    visibility: str
    content: str
    url: str | None = None
    spoiler_text: str | None = None
    language: str | None = None
    in_reply_to_id: str | None = None
    tags: list[_Tag] = []
    media_attachments: list[_Attachment] = []
    favourited: bool | None = False
    bookmarked: bool | None = False
    reblog: "_Post | None" = None

    @property
    def original(self) -> "_Post":
        """The post that this one boosts, or itself."""
        return self.reblog or self

    @property
    def is_public(self) -> bool:
        """False for messages to followers or to single people: they must not reach a feed."""
        return self.visibility in _PUBLIC and self.original.visibility in _PUBLIC


class MastodonTimeline:
    """Source of the newest posts of a home timeline, and of the accounts that its owner follows.

    Positions are rows.
    """

    name = "timeline"

    def __init__(self, client: "Mastodon", pages: int, reading: Reading = DEFAULT) -> None:
        """Read up to `pages` pages of posts.

        Raises:
            DataError: the server cannot be reached, refuses the token, or answers in another form.
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
        ConfigError: the client is not installed, the address is not that of a server, or the token is no token.
    """
    try:
        from mastodon import Mastodon
    except ImportError as error:
        raise ConfigError("the client of Mastodon is missing: install attune[social]") from error
    address = urlsplit(server)
    secure = address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)
    if not (secure and address.hostname) or "@" in address.netloc:
        raise ConfigError("give the address of the server as https://HOST, without a user: the token goes there")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(
            "ATTUNE_MASTODON_TOKEN has characters that no token has: set it to the access token alone"
        )
    return Mastodon(
        access_token=token,
        api_base_url=server,
        request_timeout=_SECONDS,
        user_agent=user_agent,
        ratelimit_method="throw",
        session=_session(),
    )


def _session() -> "Session":
    """Return a session that asks again, once, when a connection breaks: snac closes each without saying so."""
    from requests import Session
    from requests.adapters import HTTPAdapter

    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=1))
    return session


def _read(client: "Mastodon", pages: int) -> SocialRows:
    from mastodon import MastodonError

    try:
        owner = client.account_verify_credentials()
        posts = _pages(client, client.timeline_home(limit=PAGE_POSTS), pages)
        me = _checked(_Account, owner)
        if me is None:
            raise DataError(f"{client.api_base_url} answers without an account: check the address of the server")
        following = client.account_following(me.id, limit=_PAGE_ACCOUNTS)
        followed = _pages(client, following, _MOST_ACCOUNT_PAGES)
    except (MastodonError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # the client raises all of these for answers in another form than Mastodon's
        status, problem = _problem(error)
        if status in _REFUSED:
            raise DataError(
                f"{client.api_base_url} refuses the token ({problem}): create one with the scope read"
            ) from error
        raise DataError(
            f"the timeline of {client.api_base_url} cannot be read: {problem}; check the address of the server, "
            "and try again in five minutes"
        ) from error
    return _rows(me, posts, followed)


def _problem(error: Exception) -> tuple[int | None, str]:
    """Return the status of an answer, None without one, and the problem in words, on one line."""
    from mastodon import MastodonAPIError, MastodonNetworkError

    status, words = None, str(error)
    if isinstance(error, MastodonNetworkError):
        words = str(_innermost(error.__context__ or error))
    elif isinstance(error, MastodonAPIError) and len(error.args) == _PARTS:
        _, status, reason, detail = error.args
        words = f"status {status} {reason}" + (f", {detail}" if detail else "")
    return status, " ".join(words.split())[:_ERROR_CHARS]


def _innermost(error: BaseException) -> BaseException:
    """Return the error that others contain: they repeat its text, with the addresses of objects."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    return _innermost(inner) if isinstance(inner, Exception) else error


def _pages(client: "Mastodon", first: Any, most: int) -> list[Any]:
    """Return the entries of up to `most` pages, from the `first` one on.

    Raises:
        TypeError: a page is no list.
    """
    found: list[Any] = []
    page = first
    for number in range(most):
        if number:
            page = client.fetch_next(page)
        if not page:
            break
        if not isinstance(page, list):
            raise TypeError("a page is no list")
        found += page
    return found


def _rows(owner: _Account, answered: Sequence[Any], followed: Sequence[Any]) -> SocialRows:
    host = urlsplit(owner.url).netloc.rpartition("@")[2]
    me, found = _person(owner, host), SocialRows()
    posts: list[tuple[tuple[str, int], _Post]] = []
    for number, each in enumerate(answered, start=1):
        place, post = ("timeline", number), _checked(_Post, each)
        if post is None or not post.is_public:
            found.reject(place, reasons.NO_POST if post is None else reasons.NOT_PUBLIC, _id_of(each))
            continue
        posts.append((place, post))
        found.note_time(_time(post.created_at))
    uris = {post.original.id: post.original.uri for _, post in posts}
    for place, post in posts:
        _add_post(found, place, post, host, uris.get)
    for place, post in posts:
        for given, kind in ((post.original.favourited, "favourite"), (post.original.bookmarked, "bookmark")):
            if given:
                row = undated_event(me, kind, found.newest, article=post.original.uri)
                found.add("events", row, place, post.original.uri)
    for number, each in enumerate(followed, start=1):
        place, account = ("following", number), _checked(_Account, each)
        if account is None:
            found.reject(place, reasons.NO_OBJECT, _id_of(each))
            continue
        person = _person(account, host)
        found.add(
            "events", undated_event(me, "follow", found.newest or found.until, subject=person), place, person
        )
    return found


def _add_post(
    found: SocialRows, place: tuple[str, int], post: _Post, host: str, uri_of: Callable[[str], str | None]
) -> None:
    """Add a post, with a comment if it replies to one that was read; or a boost with the boosted post."""
    author, original = _person(post.account, host), post.original
    above = None if original.in_reply_to_id is None else uri_of(original.in_reply_to_id)
    found.add("articles", _article(original, host, above), place, original.uri)
    if post.reblog is not None:
        found.add("events", _boost(found, author, post, original), place, post.uri)
    elif above is not None:
        row = event_row(author, "reply", _time(post.created_at), article=above, id=post.uri)
        found.add("events", row, place, post.uri)


def _boost(found: SocialRows, author: str, post: _Post, original: _Post) -> Row:
    """Return the event of a boost.

    A boost with the id of its post, as snac makes it, has nothing of its own: its time is that of the post, and
    its address depends on the reader of the timeline, not on who boosts.
    """
    if post.id == original.id:
        return undated_event(author, "boost", found.newest or found.until, article=original.uri)
    return event_row(author, "boost", _time(post.created_at), article=original.uri, id=post.uri)


def _article(post: _Post, host: str, above: str | None) -> Row:
    pictures = [each.preview_url for each in post.media_attachments if each.type == "image" and each.preview_url]
    return {
        "id": post.uri,
        "title": post_title(post.spoiler_text, plain_text(post.content)),
        "body": post.content or None,
        "author": _person(post.account, host),
        "published_at": _time(post.created_at),
        "url": post.url,
        "language": post.language,
        "entities": [tag.name for tag in post.tags],
        "image_url": pictures[0] if pictures else None,
        "reply_to": above,
    }


def _checked(model: type[T], answer: object) -> T | None:
    """Return an object of an answer; None if it has another form."""
    try:
        return model.model_validate(answer)
    except ValidationError:
        return None


def _id_of(answer: object) -> object:
    return answer.get("uri") or answer.get("id") if isinstance(answer, Mapping) else str(answer)[:_ERROR_CHARS]


def _person(account: _Account, host: str) -> str:
    """Return name@host; accounts of the server itself are named without a host."""
    return account.acct if "@" in account.acct else f"{account.acct}@{host}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
