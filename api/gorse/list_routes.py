"""Item lists that are the same for every user: latest, popular, non-personalized, neighbours of an item."""

from api.application import feeds
from api.application.feeds import ScoredList
from api.application.scopes import Scope
from api.gorse.gorse_schemas import Scored
from api.gorse.parameters import Category, CategoryPath, Item, N, Offset, gorse
from api.http.dependencies import App
from api.http.openapi import problems
from api.http.problems import HTTPProblem

router = gorse("recommendation", Scope.READ)


@router.get("/latest")
@router.get("/latest/", include_in_schema=False)
def latest(app: App, n: N = 10, offset: Offset = 0, category: Category = "") -> list[Scored]:
    """List the newest items, scored by seconds since 1970."""
    return _scored(feeds.latest(app, n + offset, category or None), offset) if n else []


@router.get("/latest/{category}")
def latest_in_category(app: App, category: CategoryPath, n: N = 10, offset: Offset = 0) -> list[Scored]:
    """List the newest items of one category."""
    return latest(app, n, offset, category)


@router.get("/popular")
@router.get("/popular/", include_in_schema=False)
def popular(app: App, n: N = 10, offset: Offset = 0, category: Category = "") -> list[Scored]:
    """List the items with the most recent clicks, scored by decayed clicks."""
    return _scored(feeds.trending(app, n + offset, category or None), offset) if n else []


@router.get("/popular/{category}")
def popular_in_category(app: App, category: CategoryPath, n: N = 10, offset: Offset = 0) -> list[Scored]:
    """List the items of one category with the most recent clicks."""
    return popular(app, n, offset, category)


@router.get("/non-personalized/{name}", responses=problems(404))
@router.get("/non-personalized/{name}/", include_in_schema=False)
def named_list(
    app: App, name: CategoryPath, n: N = 10, offset: Offset = 0, category: Category = ""
) -> list[Scored]:
    """Return the list `latest`, `popular` or `trending`; other names are unknown."""
    if name not in ("latest", "popular", "trending"):
        raise HTTPProblem(404, "There is no such list", "the lists are latest, popular and trending")
    return (latest if name == "latest" else popular)(app, n, offset, category)


@router.get("/item/{item}/neighbors")
@router.get("/item/{item}/neighbors/", include_in_schema=False)
def neighbors(app: App, item: Item, n: N = 10, offset: Offset = 0, category: Category = "") -> list[Scored]:
    """List the items nearest in content, scored by cosine. The list is empty until the item is encoded."""
    return _scored(feeds.similar(app, item, n + offset, category or None), offset) if n else []


@router.get("/item/{item}/neighbors/{category}")
def neighbors_in_category(
    app: App, item: Item, category: CategoryPath, n: N = 10, offset: Offset = 0
) -> list[Scored]:
    """List the items of one category nearest in content."""
    return neighbors(app, item, n, offset, category)


def _scored(found: ScoredList, offset: int) -> list[Scored]:
    pairs = zip(found.ids, found.scores, strict=True)
    return [Scored(Id=id_, Score=score) for id_, score in pairs][offset:]
