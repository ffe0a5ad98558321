"""Query parameters of API v1. Unknown ones are errors: a misspelled one would silently have no effect."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api.application.reader_tokens import Access
from api.http.schemas import Device, Id

_USUAL, _MOST = 20, 100
"""Default and maximum number of articles of a feed or an article list."""

_Category = Annotated[str, Field(max_length=256)]
_CATEGORY = Field(None, description="Only articles of this category.", examples=["local"])


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FeedParams(_Query):
    """Parameters of a feed, except its reader."""

    limit: Annotated[int, Field(ge=1, le=_MOST)] | None = Field(
        None, description=f"Most articles of a page; {_USUAL} by default, {_MOST} with `minutes`.", examples=[10]
    )
    cursor: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="`cursor` of the page before: returns the next one.", examples=["9f3a2c"]
    )
    category: _Category | None = _CATEGORY
    exclude: Annotated[list[str], Field(max_length=1_000)] | None = Field(
        None, description="Ids of articles that are not wanted; repeat it for several.", examples=[["a7", "a9"]]
    )
    minutes: Annotated[float, Field(gt=0, le=180)] | None = Field(
        None, description="Minutes to read: the articles of most value that fit.", examples=[15]
    )
    diversity: float = Field(
        0.0, ge=0, le=1, description="Weight of dissimilarity against relevance; 0 is none.", examples=[0.3]
    )
    explore: Annotated[float, Field(ge=0, le=0.5)] | None = Field(
        None,
        description="Share of positions filled at random, to learn; by default `ATTUNE_EXPLORE`.",
        examples=[0.05],
    )
    explain: bool = Field(True, description="Give the reasons for each item.", examples=[False])
    device: Device | None = Field(
        None, description="What the reader reads on, as in the events.", examples=["mobile"]
    )
    page: Id | None = Field(None, description="Id of the article that the reader has open.", examples=["a7"])
    access: Access = Field(
        "all", description="`free`: leave out articles that only subscribers may open.", examples=["free"]
    )
    include: Literal["tldr"] | None = Field(
        None, description="`tldr`: give the brief of each article, one or two of its sentences.", examples=["tldr"]
    )
    preview: bool = Field(False, description="Only look: log nothing, and give no cursor.", examples=[True])

    @property
    def articles(self) -> int:
        """Maximum number of articles: `limit`, else 20, or 100 with a budget of minutes."""
        return self.limit or (_USUAL if self.minutes is None else _MOST)


class _OwnFeedQuery(FeedParams):
    reader: Id | None = Field(
        None, description="Id of the reader; with a reader token it may be left out.", examples=["r42"]
    )


class _ArticleListQuery(_Query):
    limit: int = Field(_USUAL, ge=1, le=_MOST, description="Most articles of the list.", examples=[10])
    category: _Category | None = _CATEGORY


FeedQuery = Annotated[FeedParams, Query()]
"""Parameters of a feed; `feed` of `api.http.routes.feed_routes` describes them."""

OwnFeedQuery = Annotated[_OwnFeedQuery, Query()]
"""Parameters of a feed whose reader is in the query, or in the reader token."""

ArticleListQuery = Annotated[_ArticleListQuery, Query()]
"""Number and category of articles."""
