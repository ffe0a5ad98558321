"""One article, its like, and the shelves. Ids may hold slashes."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Header, Path, Response

from api.http.dependencies import Service
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.query_params import ArticleListQuery
from api.http.schemas import ArticleListOut, FullArticleOut, Id
from api.http.security.auth import secured_router
from api.http.security.scopes import Scope
from api.http.serializers import articles_out, full_article_out
from recsys.feed import non_personalized
from recsys.feed.engine import FeedEngine
from recsys.feed.non_personalized import ListQuery
from recsys.store import articles, withdrawn

read = secured_router("/v1", "articles", Scope.READ)
write = secured_router("/v1", "articles", Scope.WRITE)

Article = Annotated[Id, Path()]


@read.get("/articles/{article:id}/similar", responses=problems(404))
def similar(service: Service, article: Article, asked: ArticleListQuery) -> ArticleListOut:
    """Articles nearest in content, the nearest first; none until the article is encoded."""
    with service.database.read() as connection:
        if not articles.known_ids(connection, [article]):
            raise _unknown()
    return _article_list(service, lambda engine, query: non_personalized.similar(engine, article, query), asked)


@read.get("/trending")
def trending(service: Service, asked: ArticleListQuery) -> ArticleListOut:
    """Articles that readers clicked most lately."""
    return _article_list(service, non_personalized.trending, asked)


@read.get("/latest")
def latest(service: Service, asked: ArticleListQuery) -> ArticleListOut:
    """The newest articles."""
    return _article_list(service, non_personalized.latest, asked)


@read.get("/articles/{article:id}", responses={**problems(404), 304: {"description": "It is as you know it."}})
def get(
    service: Service, response: Response, article: Article, if_none_match: Annotated[str, Header()] = ""
) -> FullArticleOut:
    """An article as it is stored. Its ETag changes with its content."""
    with service.database.read() as connection:
        found, tags = articles.get(connection, [article]), articles.content_hashes(connection, [article])
    if found.is_empty():
        raise _unknown()
    tag = f'"{tags[article]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (given.strip().removeprefix("W/") for given in if_none_match.split(",")) or if_none_match == "*":
        return Response(status_code=304, headers=headers)  # type: ignore[return-value]  # no body to validate
    response.headers.update(headers)
    return full_article_out(found.row(0, named=True))


@write.delete("/articles/{article:id}", status_code=204, responses=problems(404))
def delete(service: Service, article: Article) -> None:
    """Delete an article: it leaves all feeds within a second. What readers did with it stays in the log."""
    with service.database.write() as connection:
        if not withdrawn.delete_article(connection, article):
            raise _unknown()
    service.articles_changed()


def _article_list(
    service: Service, of: Callable[[FeedEngine, ListQuery], list[str]], asked: ArticleListQuery
) -> ArticleListOut:
    ids, as_of = service.ask(lambda engine, now: (of(engine, ListQuery(now, asked.limit, asked.category)), now))
    with service.database.read() as connection:
        return articles_out(articles.get(connection, ids), as_of)


def _unknown() -> HTTPProblem:
    return HTTPProblem(404, "There is no such article", "no article of that id is stored")
