"""Frozen values that cross every seam.

Times are integer microseconds since 1970-01-01 UTC, named `at` (when it happened) or `known_at` (when Attune
could know it). Ids are the publisher's own strings. See `recsys.frames` for the same values in bulk.

The fields of `Article`, `Event` and `Slate` are those of frames, tables, file formats and API bodies: see
`recsys.records`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from recsys.records import FUTURE, SHOWN, Bytes, Id, Time

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def iso(at: int) -> str:
    """Return microseconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat()


class EventKind(StrEnum):
    """Action of a reader: on an article, and (from `FOLLOW` on) on a topic, source, author or entity."""

    IMPRESSION = "impression"
    CLICK = "click"
    READ = "read"
    SCROLL = "scroll"
    LIKE = "like"
    DISLIKE = "dislike"
    SAVE = "save"
    SHARE = "share"
    COMMENT = "comment"
    HIDE = "hide"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    MUTE = "mute"
    UNMUTE = "unmute"
    FOCUS = "focus"


PREFERENCE_KINDS = frozenset(
    {EventKind.FOLLOW, EventKind.UNFOLLOW, EventKind.MUTE, EventKind.UNMUTE, EventKind.FOCUS}
)
"""Kinds whose subject is a topic, a source or an author instead of an article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article. Only `id` and `title` are required. `markup`: JSON of the texts that had markup, as given.

    Of a post, `author` is the reader id of the person who wrote it, `reply_to` is the article that it replies to,
    and `thread` is the first article of its conversation.

    An article with a `published_at` in the future is under embargo: feeds and lists show it from then on.
    """

    id: Id
    title: Annotated[str, Bytes(10_000), SHOWN]
    abstract: Annotated[str | None, Bytes(100_000), SHOWN] = None
    body: Annotated[str | None, Bytes(4_000_000)] = None
    category: Annotated[str | None, Bytes(1_000), SHOWN] = None
    subcategory: Annotated[str | None, Bytes(1_000), SHOWN] = None
    entities: tuple[Id, ...] = ()
    source: Annotated[str | None, Bytes(1_000), SHOWN] = None
    author: Annotated[str | None, Bytes(10_000)] = None
    language: Annotated[str | None, Bytes(100)] = None
    published_at: Annotated[Time | None, SHOWN, FUTURE] = None
    url: Annotated[str | None, Bytes(10_000), SHOWN] = None
    word_count: int | None = None
    access: Annotated[str | None, Bytes(100)] = None
    image_url: Annotated[str | None, Bytes(10_000), SHOWN] = None
    expires_at: Annotated[Time | None, FUTURE] = None
    markup: Annotated[str | None, Bytes(9_000_000)] = None
    thread: Id | None = None
    reply_to: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One action of a reader. `value` is seconds for `read`, percent for `scroll`."""

    id: Id
    reader: Id
    kind: EventKind
    at: Time
    known_at: Time
    article: Id | None = None
    subject: Id | None = None
    value: float | None = None
    request_id: Id | None = None
    position: int | None = None
    session: Annotated[str | None, Bytes(1_000)] = None
    device: Annotated[str | None, Bytes(1_000)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """The list shown to a reader at one time: one impression of many candidates. `id` is the request id.

    `ordered` is True if `candidates` stand in display order; imports without a meaningful order set False.
    `page` is the article that the reader had open, if any.
    """

    id: Id
    reader: Id
    at: Time
    known_at: Time
    candidates: tuple[Id, ...]
    ordered: bool = False
    scores: tuple[float, ...] | None = None
    propensities: tuple[float, ...] | None = None
    model: Annotated[str | None, Bytes(1_000)] = None
    session: Annotated[str | None, Bytes(1_000)] = None
    device: Annotated[str | None, Bytes(1_000)] = None
    page: Id | None = None


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One past reading that a caller sends with a request: `seconds` of dwell if known."""

    id: str
    seconds: float | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """Subjects that a reader follows, focuses on, or has muted.

    A subject is a topic (category, subcategory), source, author or entity.
    """

    follow: frozenset[str] = frozenset()
    focus: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()

    @property
    def wanted(self) -> frozenset[str]:
        """Subjects that the reader follows or focuses on."""
        return self.follow | self.focus


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRequest:
    """The part that every request has: its reader, and the moment.

    as_of: microseconds; a running service sets it when it answers. history: readings that the caller sends; they
    replace the stored history of `reader`. With neither, the reader is cold. page: the article that the reader has
    open.
    """

    request_id: str
    as_of: int = 0
    reader: str | None = None
    history: tuple[HistoryItem, ...] | None = None
    device: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRequest(ReaderRequest):
    """Rank `candidates` for a reader."""

    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRequest(ReaderRequest):
    """Choose and rank a slate of `limit` articles for a reader.

    minutes: the attention budget; the slate takes no longer to read. diversity: in [0, 1], weight of dissimilarity
    to the articles above against relevance. explore: share of positions filled by exploration. free_only: leave
    out articles that only subscribers may open. offset: number of articles on earlier pages of the same feed, from
    which pins count their places.
    """

    reader: str
    limit: int = 20
    category: str | None = None
    exclude: frozenset[str] = frozenset()
    minutes: float | None = None
    diversity: float = 0.0
    explore: float = 0.0
    explain: bool = True
    session: str | None = None
    free_only: bool = False
    offset: int = 0


class RuleKind(StrEnum):
    """Effect of an editor's rule on feeds."""

    PIN = "pin"
    BOOST = "boost"
    DEMOTE = "demote"
    BAN = "ban"
    BREAKING = "breaking"
    MUST_SEE = "must_see"
    QUOTA = "quota"


class MatchField(StrEnum):
    """Property of an article that a rule matches. A section is a category or subcategory, a tag is an entity."""

    ARTICLE = "article"
    SECTION = "section"
    SOURCE = "source"
    AUTHOR = "author"
    TAG = "tag"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rule of an editor: it overrules the ranking of feeds for the articles that it matches.

    field, match: an article matches if this property has this value. value: log-odds of a boost or demotion, most
    articles of a quota, hours of a `must_see`. place: of a pin, 1 is the top. section: only feeds of this section.
    starts_at, ends_at, created_at, removed_at: microseconds; the rule is in force from the first of them to the
    earlier end. created_by: id of a key, or the actor of the audit log.
    """

    id: str
    kind: RuleKind
    field: MatchField
    match: str
    starts_at: int
    created_at: int
    created_by: str
    value: float | None = None
    place: int | None = None
    section: str | None = None
    ends_at: int | None = None
    removed_at: int | None = None

    @property
    def begins_at(self) -> int:
        """Time from which the rule may act: a rule never acts before it exists."""
        return max(self.starts_at, self.created_at)

    def in_force(self, at: int) -> bool:
        """Return True if the rule acts at this time."""
        ends = [end for end in (self.ends_at, self.removed_at) if end is not None]
        return self.begins_at <= at and all(at < end for end in ends)

    @property
    def log_odds(self) -> float:
        """Log-odds that the rule adds to the chance of an article: negative for a demotion, else 0."""
        sign = {RuleKind.BOOST: 1.0, RuleKind.DEMOTE: -1.0}.get(self.kind, 0.0)
        return sign * (self.value or 0.0)


class WebhookEvent(StrEnum):
    """Kinds of events that webhooks are notified of."""

    MODEL_ACTIVATED = "model.activated"
    GATE_FAILED = "gate.failed"
    TRAINING_FAILED = "training.failed"
    BREAKER_OPEN = "breaker.open"
    HEADLINE_FLAGGED = "headline.flagged"
    ALERT = "alert"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item stands where it stands. `weight` is what the interest match loses without `article`.

    kind: group of the fact. code: the fact; params: its values. text: the sentence in English.
    """

    kind: str
    code: str
    params: Mapping[str, str | int]
    text: str
    article: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One article of a ranking, best first.

    propensity: the chance it had to stand at `position`. In a feed, minutes: how long reading it takes; story: id
    of the first article of its story; also_in: other articles of it, newest first; rules: those that act on it.
    """

    id: str
    score: float
    position: int
    source: str = "request"
    propensity: float = 1.0
    reasons: tuple[Reason, ...] = field(default=())
    minutes: float | None = None
    story: str | None = None
    also_in: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to a `RankRequest` or a `FeedRequest`. `degraded`: rows of the log may be missing."""

    request_id: str
    model: str
    as_of: int
    items: tuple[RankedItem, ...]
    degraded: bool = False


def joint_model(first: str, second: str) -> str:
    """Return the `model` of a slate that two models made together, by interleaving."""
    return f"{first}+{second}"


def models_of(model: str) -> tuple[str, str] | None:
    """Return the two models of an interleaved slate from its `model`; None for the slate of one model."""
    first, joint, second = model.partition("+")
    return (first, second) if joint else None
