"""Query parameters of API v1. Unknown ones are errors: a misspelled one would silently have no effect."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.http.schemas import Device, Id

_USUAL, _MOST = 20, 100
"""Default and maximum number of articles of a feed or an article list."""

_Category = Annotated[str, Field(max_length=256)]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FeedParams(_Query):
    """Parameters of a feed, except its reader."""

    limit: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    cursor: Annotated[str, Field(max_length=64)] | None = None
    category: _Category | None = None
    exclude: Annotated[list[str], Field(max_length=1_000)] | None = None
    minutes: Annotated[float, Field(gt=0, le=180)] | None = None
    diversity: float = Field(0.0, ge=0, le=1)
    explore: Annotated[float, Field(ge=0, le=0.5)] | None = None
    explain: bool = True
    device: Device | None = None
    page: Id | None = None
    preview: bool = False

    @property
    def articles(self) -> int:
        """Maximum number of articles: `limit`, else 20, or 100 with a budget of minutes."""
        return self.limit or (_USUAL if self.minutes is None else _MOST)


class _OwnFeedQuery(FeedParams):
    reader: Id | None = None


class _ArticleListQuery(_Query):
    limit: int = Field(_USUAL, ge=1, le=_MOST)
    category: _Category | None = None


FeedQuery = Annotated[FeedParams, Query()]
"""Parameters of a feed; `feed` of `api.http.routes.feed_routes` describes them."""

OwnFeedQuery = Annotated[_OwnFeedQuery, Query()]
"""Parameters of a feed whose reader is in the query, or in the reader token."""

ArticleListQuery = Annotated[_ArticleListQuery, Query()]
"""Number and category of articles."""
