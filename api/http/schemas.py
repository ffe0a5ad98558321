"""Request and response bodies of API v1. JSON, snake_case, bounded."""

import time
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    model_validator,
)

from api.application.iso_time import from_iso
from api.application.reader_tokens import Access
from api.http.record_fields import body_of
from ingest.field_values import trimmed
from ingest.limits import EARLIEST, LONGEST_ID
from recsys.domain import Article, RuleKind
from recsys.errors import RequestError
from recsys.records import is_storable


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("has a character that no database can hold")
    return text


def _trimmed(value: object) -> object:
    return trimmed(value) if isinstance(value, str) else value


def _past(text: str) -> str:
    try:
        at = from_iso(text)
    except RequestError as error:
        raise ValueError(str(error)) from error
    if not EARLIEST <= at <= time.time_ns() // 1_000:
        raise ValueError(f"{text} lies before 1990 or in the future")
    return text


def _short(text: str) -> str:
    if len(text.encode()) > LONGEST_ID:
        raise ValueError(f"is longer than {LONGEST_ID} bytes")
    return text


def _form(item: object) -> str | None:
    return "id" if isinstance(item, str) else "item" if isinstance(item, dict | HistoryItemIn) else None


Text = Annotated[str, AfterValidator(_storable)]
"""Text that is stored."""

Id = Annotated[Text, BeforeValidator(_trimmed), Field(min_length=1, max_length=512)]
"""An article's or a reader's id, without space around it, as it is stored."""

Device = Annotated[Text, Field(max_length=64)]
"""What a reader reads on."""

MAX_ROWS = 1_000
MAX_CANDIDATES = 2_000
_DAY_SECONDS = 86_400

_EVENT = {"id": "e-1", "reader": "r42", "article": "a7", "kind": "read", "value": 48.5, "request_id": "…"}
_RANK: dict[str, JsonValue] = {
    "candidates": ["a7", "a9"],
    "history": ["a1", {"id": "a2", "seconds": 48.5}],
    "explain": True,
}
_ARTICLE = {"id": "a7", "title": "Council approves new tram line", "category": "local"}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventsIn(_Body):
    """Up to 1,000 events. Each is checked on its own: one bad row never costs a good one.

    `kind`: impression, click, read (`value`: seconds), scroll (`value`: per cent), like, dislike, save, share,
    comment or hide, of an `article`; follow, unfollow, mute, unmute or focus, of a `subject`: a topic or source.
    """

    events: list[Any] = Field(min_length=1, max_length=MAX_ROWS, examples=[[_EVENT]])


class ArticlesIn(_Body):
    """Up to 1,000 articles; the newest content of an id wins."""

    articles: list[Any] = Field(min_length=1, max_length=MAX_ROWS, examples=[[_ARTICLE]])


class ReaderTokenIn(_Body):
    """Reader of a token, the seconds for which it is valid, and the articles that this reader may open."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reader": "r42", "seconds": 900}]})

    reader: Annotated[Id, AfterValidator(_short)]
    seconds: int = Field(3_600, ge=1, le=_DAY_SECONDS)
    access: Access = "all"


class ReaderTokenOut(BaseModel):
    """A reader token, and when it expires (ISO 8601)."""

    token: str
    expires_at: str


class RejectedRow(BaseModel):
    """Row `index` of the request, and why it was not stored: `reason` names the field, `value` is what it had."""

    index: int
    reason: str
    value: str = ""
    fix: str = ""


class StoredOut(BaseModel):
    """Outcome of the rows of a request."""

    accepted: int
    duplicates: int
    rejected: list[RejectedRow]
    warnings: list[str] = []


class HistoryItemIn(_Body):
    """One past reading: dwell in seconds, at most a day, and when (ISO 8601, from 1990 to now), if known."""

    id: Id
    seconds: float | None = Field(None, ge=0, le=_DAY_SECONDS, allow_inf_nan=False)
    at: Annotated[str, AfterValidator(_past)] | None = None


_Read = Annotated[
    Annotated[Id, Tag("id")] | Annotated[HistoryItemIn, Tag("item")],
    # discriminated by hand: an error then names one form, not both with their checks
    Discriminator(
        _form,
        custom_error_type="history_item",
        custom_error_message="an item is an article's id, or an object with id, seconds and at",
    ),
]


class RankIn(_Body):
    """Candidates to rank, for a stored reader or for a history in the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RANK]})

    candidates: list[Id] = Field(min_length=1, max_length=MAX_CANDIDATES)
    reader: Id | None = None
    history: list[_Read] | None = Field(None, max_length=MAX_ROWS)
    device: Device | None = None
    page: Id | None = None
    explain: bool = False

    @model_validator(mode="after")
    def _one_reader(self) -> "RankIn":
        if self.reader is not None and self.history is not None:
            raise ValueError("give reader or history, not both")
        return self


class ReasonOut(BaseModel):
    """Reason for an item; `weight` is the loss of the match score without `article`.

    `code`: stable name of the fact; `params`: its values; `text`: its sentence in the language of the answer.
    `kind`: its group, coarser than `code` for an article that was read to the end.
    """

    kind: str
    code: str
    params: dict[str, str | int]
    text: str
    article: str | None
    weight: float | None


@body_of(Article, shown=True)
class ArticleOut(BaseModel):
    """Fields of an article that feed items show."""

    model_config = ConfigDict(frozen=True)


@body_of(Article)
class FullArticleOut(ArticleOut):
    """All stored fields of an article."""


class ListItemOut(BaseModel):
    """One article of a list."""

    id: str
    article: ArticleOut


class ArticleListOut(BaseModel):
    """Articles in order, the same for every reader."""

    as_of: str
    items: list[ListItemOut]


class AlsoOut(BaseModel):
    """Another article of a story."""

    id: str
    title: str
    source: str | None
    url: str | None


class ActingRuleOut(BaseModel):
    """Rule of an editor that acts on an item.

    `log_odds`: added to the chance of the article by a boost or a demotion; `place`: of a pin, 1 is the top.
    """

    id: str
    kind: RuleKind
    log_odds: float | None
    place: int | None


class FeedItemOut(BaseModel):
    """One item of a feed.

    `propensity`: probability of the article at this position; `minutes`: reading time; `story`: id of the first
    article of its story; `also_in`: other articles of it, newest first; `rules`: rules of editors
    that act on it, first the one that placed it; `tldr`: its brief, with `include=tldr`.
    """

    id: str
    score: float
    position: int
    source: str
    propensity: float
    minutes: float | None
    article: ArticleOut
    reasons: list[ReasonOut]
    story: str
    also_in: list[AlsoOut]
    rules: list[ActingRuleOut]
    tldr: str | None = None


class FeedOut(BaseModel):
    """A page of a feed. Events that quote `request_id` are attributed to it; `cursor` returns the next page.

    `degraded`: the page is made from memory, while the database is unavailable or the log is folded again.
    """

    request_id: str
    reader: str
    model: str
    as_of: str
    cursor: str | None
    degraded: bool = False
    items: list[FeedItemOut]
    warnings: list[str] = []


class BriefSentenceOut(BaseModel):
    """Sentence of a brief: `start` and `end` are its characters in the text that it is from."""

    text: str
    weight: float
    start: int
    end: int


class BriefOut(BaseModel):
    """Brief of an article. `seconds`: reading time of its sentences; `of`: the text that they are from."""

    article: str
    sentences: list[BriefSentenceOut]
    seconds: float
    of: Literal["body", "abstract"]


class RankedItemOut(BaseModel):
    """One ranked candidate."""

    id: str
    score: float
    reasons: list[ReasonOut]


class RankOut(BaseModel):
    """Candidates, best first. `degraded`: ranked from memory, as in a feed."""

    request_id: str
    model: str
    as_of: str
    degraded: bool = False
    items: list[RankedItemOut]
    warnings: list[str] = []


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
