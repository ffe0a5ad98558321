"""Lists that are nobody's own: /api/latest, /api/popular, /api/non-personalized, neighbours of an item."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from api.gorse.gorse_schemas import Scored
from api.gorse.parameters import Category, CategoryPath, Item, N, Offset, gorse
from api.http.dependencies import Service
from api.http.openapi import problems
from api.http.problems import HTTPProblem
from api.http.security.scopes import Scope
from recsys.constants import HalfLife
from recsys.domain import SECOND
from recsys.feed import non_personalized
from recsys.feed.engine import FeedEngine
from recsys.feed.non_personalized import ListQuery
from recsys.state.event_codes import CLICKS

router = gorse("recommendation", Scope.READ)

_Scores = Callable[[FeedEngine, NDArray[np.int64], int], NDArray[np.floating]]
_Ids = Callable[[FeedEngine, ListQuery], list[str]]


@router.get("/latest")
@router.get("/latest/", include_in_schema=False)
def latest(service: Service, n: N = 10, offset: Offset = 0, category: Category = "") -> list[Scored]:
    """The newest items; scored by seconds since 1970."""
    return _article_list(service, non_personalized.latest, _newness, n, offset, category)


@router.get("/latest/{category}")
def latest_in_category(service: Service, category: CategoryPath, n: N = 10, offset: Offset = 0) -> list[Scored]:
    """The newest items of one category."""
    return latest(service, n, offset, category)


@router.get("/popular")
@router.get("/popular/", include_in_schema=False)
def popular(service: Service, n: N = 10, offset: Offset = 0, category: Category = "") -> list[Scored]:
    """The items clicked most lately; scored by clicks, faded with time."""
    return _article_list(service, non_personalized.trending, _clicks, n, offset, category)


@router.get("/popular/{category}")
def popular_in_category(service: Service, category: CategoryPath, n: N = 10, offset: Offset = 0) -> list[Scored]:
    """The items of one category clicked most lately."""
    return popular(service, n, offset, category)


@router.get("/non-personalized/{name}", responses=problems(404))
@router.get("/non-personalized/{name}/", include_in_schema=False)
def named_list(
    service: Service, name: CategoryPath, n: N = 10, offset: Offset = 0, category: Category = ""
) -> list[Scored]:
    """The list called `latest`, `popular` or `trending`; others are not kept."""
    if name not in ("latest", "popular", "trending"):
        raise HTTPProblem(404, "There is no such list", "there are latest, popular and trending")
    return (latest if name == "latest" else popular)(service, n, offset, category)


@router.get("/item/{item}/neighbors")
@router.get("/item/{item}/neighbors/", include_in_schema=False)
def neighbors(
    service: Service, item: Item, n: N = 10, offset: Offset = 0, category: Category = ""
) -> list[Scored]:
    """The items nearest in content, scored by cosine; none until the item is encoded."""

    def near(engine: FeedEngine, rows: NDArray[np.int64], _as_of: int) -> NDArray[np.floating]:
        return np.asarray(engine.vectors.of(rows) @ engine.vectors.of(engine.state.rows_of([item]))[0])

    return _article_list(
        service, lambda engine, query: non_personalized.similar(engine, item, query), near, n, offset, category
    )


@router.get("/item/{item}/neighbors/{category}")
def neighbors_in_category(
    service: Service, item: Item, category: CategoryPath, n: N = 10, offset: Offset = 0
) -> list[Scored]:
    """The items of one category nearest in content."""
    return neighbors(service, item, n, offset, category)


def _article_list(service: Service, of: _Ids, scores: _Scores, n: int, offset: int, category: str) -> list[Scored]:
    if not n:
        return []

    def ask(engine: FeedEngine, as_of: int) -> list[Scored]:
        ids = of(engine, ListQuery(as_of, n + offset, category or None))[offset:]
        rated = scores(engine, engine.state.rows_of(ids), as_of).tolist()
        return [Scored(Id=id_, Score=score) for id_, score in zip(ids, rated, strict=True)]

    return service.ask(ask)


def _newness(engine: FeedEngine, rows: NDArray[np.int64], _as_of: int) -> NDArray[np.floating]:
    return engine.state.available_since(rows) / SECOND


def _clicks(engine: FeedEngine, rows: NDArray[np.int64], as_of: int) -> NDArray[np.floating]:
    return np.asarray(engine.state.counters.read(rows, as_of)[:, CLICKS, HalfLife.HOURS_4])
