"""One article, similar articles, and the article lists of all readers. Ids may contain slashes."""

from typing import Annotated

from fastapi import Header, Path, Query, Response

from api.application import article_briefs, feeds, ingestion
from api.application.feeds import ScoredList
from api.application.scopes import Scope
from api.http.dependencies import App
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.query_params import ArticleListQuery
from api.http.schemas import ArticleListOut, BriefOut, FullArticleOut, Id
from api.http.security.auth import secured_router
from api.http.serializers import articles_out, brief_out, full_article_out
from recsys.digest.article_brief import BRIEF_SECONDS

read = secured_router("/v1", "articles", Scope.READ)
write = secured_router("/v1", "articles", Scope.WRITE)

Article = Annotated[Id, Path(description="Id of the article.", examples=["a7"])]
_Seconds = Annotated[float, Query(ge=2, le=120, description="Most seconds that reading takes.", examples=[15])]
_IfNoneMatch = Annotated[str, Header(description="ETag of the answer that is known.", examples=['"2f6a…"'])]


@read.get("/articles/{article:id}/similar", responses=problems(404))
def similar(app: App, article: Article, query: ArticleListQuery) -> ArticleListOut:
    """List the articles nearest in content, nearest first. The list is empty until the article is encoded."""
    if not feeds.is_stored(app, article):
        raise _unknown()
    return _article_list(app, feeds.similar(app, article, query.limit, query.category))


@read.get("/articles/{article:id}/tldr", responses=problems(404))
def tldr(app: App, article: Article, seconds: _Seconds = BRIEF_SECONDS) -> BriefOut:
    """Return one or two sentences of an article that say most of it, in their order.

    They are of its body, or without one of its abstract; without either there are none. `weight` is in [0, 1].
    """
    found = article_briefs.find_brief(app, article, seconds)
    if found is None:
        raise _unknown()
    return brief_out(article, found)


@read.get("/trending")
def trending(app: App, query: ArticleListQuery) -> ArticleListOut:
    """List the articles with the most recent clicks, most first."""
    return _article_list(app, feeds.trending(app, query.limit, query.category))


@read.get("/latest")
def latest(app: App, query: ArticleListQuery) -> ArticleListOut:
    """List the newest articles, newest first."""
    return _article_list(app, feeds.latest(app, query.limit, query.category))


@read.get(
    "/articles/{article:id}", responses={**problems(404), 304: {"description": "The article has not changed."}}
)
def get(app: App, response: Response, article: Article, if_none_match: _IfNoneMatch = "") -> FullArticleOut:
    """Return a stored article. Its ETag changes with its content."""
    found = feeds.find_article(app, article)
    if found is None:
        raise _unknown()
    tag = f'"{found.tag}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (given.strip().removeprefix("W/") for given in if_none_match.split(",")) or if_none_match == "*":
        return Response(status_code=304, headers=headers)  # type: ignore[return-value]  # no body to validate
    response.headers.update(headers)
    return full_article_out(dict(found.columns))


@write.delete("/articles/{article:id}", status_code=204, responses=problems(404))
def delete(app: App, article: Article) -> None:
    """Withdraw an article: it leaves all feeds within a second, until it is restored. Its events stay."""
    if not ingestion.withdraw_article(app, article):
        raise _unknown()


@write.post("/articles/{article:id}/restore", status_code=204, responses=problems(404))
def restore(app: App, article: Article) -> None:
    """Restore a withdrawn article, with the newest content that was sent. Storing it again does not restore it."""
    if not ingestion.restore_article(app, article):
        raise _unknown()


def _article_list(app: App, found: ScoredList) -> ArticleListOut:
    return articles_out(feeds.find_articles(app, found.ids), found.as_of)


def _unknown() -> HTTPProblem:
    return HTTPProblem(404, "There is no such article", "no article with that id is stored")
