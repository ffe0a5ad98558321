"""Bodies as Gorse spells them: PascalCase, bounded."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from api.application.iso_time import from_iso
from api.http.schemas import Id, Text
from recsys.errors import RequestError

MAX_ROWS = 10_000
"""Of one request; its body is bounded besides."""

_GO_ZERO = "0001-01-01"
"""How clients written in Go say that they have no time."""


def _labels(value: Any) -> Any:
    """Raises ValueError where the labels could not be stored and given back as they are."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def micros(text: str | None) -> int | None:
    """ISO 8601 → microseconds; None for nothing, as which Go's zero time counts.

    Raises:
        RequestError: the text is not a time.
    """
    return None if not text or text.startswith(_GO_ZERO) else from_iso(text)


def _time(text: str | None) -> str | None:
    try:
        micros(text)
    except (RequestError, OverflowError) as error:
        raise ValueError("not an ISO 8601 time such as 2023-05-24T07:00:00Z") from error
    return text


def _categories(value: Any) -> Any:
    return [] if value is None else value


AnyLabels = Annotated[Any, AfterValidator(_labels)]
Time = Annotated[str | None, Field(max_length=64), AfterValidator(_time)]
"""ISO 8601, or nothing."""

CategoryName = Annotated[Text, Field(min_length=1, max_length=256)]
CategoryNames = Annotated[list[CategoryName], Field(max_length=100)]
CommentText = Annotated[Text, Field(max_length=50_000)]
TypeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")  # newer Gorse clients may send more


class FeedbackIn(_Body):
    """What a user did with an item. `Value` are seconds for a type that stands for reading."""

    FeedbackType: TypeName
    UserId: Id
    ItemId: Id
    Timestamp: Time = None
    Value: float = Field(0, allow_inf_nan=False, ge=-1e9, le=1e9)
    Comment: CommentText = ""


class SessionFeedbackIn(_Body):
    """One act of a session; whose session it is does not matter."""

    ItemId: Id
    FeedbackType: str = ""
    UserId: str = ""
    Timestamp: Time = None
    Value: float = Field(0, allow_inf_nan=False, ge=0, le=1e9)


class ItemIn(_Body):
    """An item, whole: what is left out is empty."""

    ItemId: Id
    IsHidden: bool = False
    Labels: AnyLabels = None
    Categories: Annotated[CategoryNames, BeforeValidator(_categories)] = []
    Timestamp: Time = None
    Comment: CommentText = ""


class ItemPatch(_Body):
    """What is to change of an item; null: nothing."""

    IsHidden: bool | None = None
    Labels: AnyLabels = None
    Categories: CategoryNames | None = None
    Timestamp: Time = None
    Comment: CommentText | None = None


class UserIn(_Body):
    """A user, whole."""

    UserId: Id
    Labels: AnyLabels = None
    Comment: CommentText = ""


class UserPatch(_Body):
    """What is to change of a user; null: nothing."""

    Labels: AnyLabels = None
    Comment: CommentText | None = None


class Success(BaseModel):
    """How many rows hold what was asked for."""

    RowAffected: int


class FeedbackOut(BaseModel):
    """All that a user did with an item under one type: the values' sum, the newest time."""

    FeedbackType: str
    UserId: str
    ItemId: str
    Timestamp: str
    Value: float


class FeedbackPage(BaseModel):
    """`Cursor` asks for the next page; empty after the last one."""

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
    """`Cursor` asks for the next page; empty after the last one."""

    Cursor: str
    Items: list[ItemOut]


class UserOut(BaseModel):
    """A user."""

    UserId: str
    Labels: Any
    Comment: str


class UserPage(BaseModel):
    """`Cursor` asks for the next page; empty after the last one."""

    Cursor: str
    Users: list[UserOut]


class Scored(BaseModel):
    """An item of a list; larger is better within one list."""

    Id: str
    Score: float


class Health(BaseModel):
    """Whether the service answers."""

    Ready: bool
    DataStoreConnected: bool
    CacheStoreConnected: bool
    DataStoreError: str | None
    CacheStoreError: str | None
