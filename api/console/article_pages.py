"""Console pages of articles: search, one article, and the words of its title."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from api.application import article_desk, feeds
from api.console.console_pages import is_part, show
from api.console.signed_in import console_router
from api.http.dependencies import App
from api.http.problems import HTTPProblem
from api.http.schemas import Id

router = console_router()

_LISTED, _NEAR = 50, 6
_HEATS = 4

_Text = Annotated[str, Query(max_length=200)]
_Article = Annotated[Id, Query(alias="id")]


@router.get("/articles")
def search(request: Request, app: App, text: _Text = "", section: _Text = "") -> HTMLResponse:
    """Return the search of articles; for a script only its results."""
    found = article_desk.search_articles(app, text, section.strip() or None, _LISTED)
    context = {"found": found, "text": text, "section": section}
    if is_part(request):
        return show(request, "article_results.html", context)
    return show(request, "articles.html", context | {"sections": article_desk.sections(app)})


@router.get("/articles/one")
def article(request: Request, app: App, id_: _Article) -> HTMLResponse:
    """Return the page of one article.

    Raises:
        HTTPProblem: 404, no such article is stored.
    """
    stored = feeds.find_article(app, id_)
    if stored is None:
        raise HTTPProblem(
            404, "There is no such article", "it is not stored, or was withdrawn: search for another"
        )
    figures = article_desk.article_figures(app, id_)
    near = feeds.similar(app, id_, _NEAR)
    context = {
        "article": stored.columns,
        "figures": figures,
        "similar": list(zip(feeds.find_articles(app, near.ids), near.scores, strict=False)),
        "story": feeds.find_articles(app, figures.story),
        "rules": article_desk.rules_on(app, stored.columns),
    }
    return show(request, "article.html", context)


@router.get("/articles/words")
def words(request: Request, app: App, id_: _Article) -> HTMLResponse:
    """Return the words of a title with the attention that they get, as a part of the article's page.

    Raises:
        HTTPProblem: 404, no such article is stored.
    """
    explained = article_desk.explain_words(app, id_)
    if explained is None:
        raise HTTPProblem(404, "There is no such article", "it is not stored, or was withdrawn")
    most = max((word["received"] for word in explained["words"]), default=1.0) or 1.0
    heats = [min(_HEATS, int(word["received"] / most * (_HEATS + 0.99))) for word in explained["words"]]
    return show(request, "article_words.html", {"explained": explained, "heats": heats})
