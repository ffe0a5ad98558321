"""Bodies of Gorse's API: PascalCase, bounded."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from api.application.iso_time import from_iso
from api.http.schemas import Id, Text
from recsys.errors import RequestError

MAX_ROWS = 10_000
"""Maximum number of rows of one request; the size of its body is limited too."""

_GO_ZERO = "0001-01-01"
"""Go's zero time: clients written in Go send it instead of no time."""


def _labels(value: Any) -> Any:
    """Raise ValueError for labels that cannot be stored and returned unchanged."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def micros(text: str | None) -> int | None:
    """Convert ISO 8601 to microseconds; None for an empty text and for Go's zero time.

    Raises:
        RequestError: the text is not a time.
    """
    return None if not text or text.startswith(_GO_ZERO) else from_iso(text)


def _time(text: str | None) -> str | None:
    try:
        micros(text)
    except (RequestError, OverflowError) as error:
        raise ValueError("not an ISO 8601 time: write it like 2023-05-24T07:00:00Z") from error
    return text


def _categories(value: Any) -> Any:
    return [] if value is None else value


AnyLabels = Annotated[Any, AfterValidator(_labels)]
Time = Annotated[str | None, Field(max_length=64), AfterValidator(_time)]
"""ISO 8601, or empty."""

CategoryName = Annotated[Text, Field(min_length=1, max_length=256)]
CategoryNames = Annotated[list[CategoryName], Field(max_length=100)]
CommentText = Annotated[Text, Field(max_length=50_000)]
TypeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")  # newer Gorse clients may send more


class FeedbackIn(_Body):
    """Feedback of a user on an item. `Value`: seconds for types that mean reading."""

    FeedbackType: TypeName
    UserId: Id
    ItemId: Id
    Timestamp: Time = None
    Value: float = Field(0, allow_inf_nan=False, ge=-1e9, le=1e9)
    Comment: CommentText = ""


class SessionFeedbackIn(_Body):
    """Feedback of a session; its user id is ignored."""

    ItemId: Id
    FeedbackType: str = ""
    UserId: str = ""
    Timestamp: Time = None
    Value: float = Field(0, allow_inf_nan=False, ge=0, le=1e9)


class ItemIn(_Body):
    """A complete item: omitted fields are empty, but `IsHidden` stays as it is if omitted."""

    ItemId: Id
    IsHidden: bool | None = None
    Labels: AnyLabels = None
    Categories: Annotated[CategoryNames, BeforeValidator(_categories)] = []
    Timestamp: Time = None
    Comment: CommentText = ""


class ItemPatch(_Body):
    """Changes of an item; null changes nothing."""

    IsHidden: bool | None = None
    Labels: AnyLabels = None
    Categories: CategoryNames | None = None
    Timestamp: Time = None
    Comment: CommentText | None = None


class UserIn(_Body):
    """A complete user."""

    UserId: Id
    Labels: AnyLabels = None
    Comment: CommentText = ""


class UserPatch(_Body):
    """Changes of a user; null changes nothing."""

    Labels: AnyLabels = None
    Comment: CommentText | None = None


class Success(BaseModel):
    """Number of rows that are stored, changed or deleted as requested."""

    RowAffected: int


class FeedbackOut(BaseModel):
    """All feedback of one type of a user on an item: sum of the values, newest time."""

    FeedbackType: str
    UserId: str
    ItemId: str
    Timestamp: str
    Value: float


class FeedbackPage(BaseModel):
    """Page of feedback. `Cursor` requests the next page; empty after the last one."""

    Cursor: str
    Feedback: list[FeedbackOut]


class ItemOut(BaseModel):
    """An item."""

    ItemId: str
    IsHidden: bool
    Labels: Any
    Categories: list[str]
    Timestamp: str
    Comment: str


class ItemPage(BaseModel):
    """Page of items. `Cursor` requests the next page; empty after the last one."""

    Cursor: str
    Items: list[ItemOut]


class UserOut(BaseModel):
    """A user."""

    UserId: str
    Labels: Any
    Comment: str


class UserPage(BaseModel):
    """Page of users. `Cursor` requests the next page; empty after the last one."""

    Cursor: str
    Users: list[UserOut]


class Scored(BaseModel):
    """An item of a list, with its score; larger is better within one list."""

    Id: str
    Score: float


class Health(BaseModel):
    """State of the service: ready once its items are searchable, connected while the database is available."""

    Ready: bool
    DataStoreConnected: bool
    CacheStoreConnected: bool
    DataStoreError: str | None
    CacheStoreError: str | None
