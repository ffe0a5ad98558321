"""Pages for readers: `/`, `/attention`, `/read`, and `/embed/feed` for pages without script.

The first three are empty until a script of the service fills them with what a reader token allows. Before the
first key exists they also offer the known readers, and show the texts of articles.
"""

import logging
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.application import article_briefs, feeds, gorse_people
from api.application.context import Application
from api.application.scopes import Scope
from api.http.accept_language import best_language
from api.http.dependencies import App, Language, OnlyPreview, PseudonymsDep
from api.http.page_templates import reader_page
from api.http.problem_pages import PageRoute
from api.http.problems import HTTPProblem
from api.http.reason_texts import LANGUAGES
from api.http.schemas import Id
from api.http.security.auth import authorize, check_token, free_only, is_exposed, require_rate, token_reader
from api.http.security.keyring import KeyRing
from api.http.serializers import feed_out, full_article_out
from recsys.domain import FeedRequest
from recsys.errors import RequestError, StoreError

logger = logging.getLogger(__name__)

router = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)

_OFFERED = 24
"""Readers that a page offers; every other one can be typed."""

_RELATED = 3
_HOW_TO_SIGN_IN = "add ?token=… with a reader token; POST /v1/reader-tokens makes one"
_HOW_TO_NAME_A_READER = f"{_HOW_TO_SIGN_IN}, or ?reader=… with a key or before the first key exists"
_OWN_MACHINE = ("'self'", "http://localhost:*", "http://127.0.0.1:*")
"""Pages that may frame a feed before the first site key exists."""


class _EmbedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, Field(max_length=4_096)] | None = None
    reader: Id | None = None
    limit: int = Field(10, ge=1, le=50)
    minutes: Annotated[float, Field(gt=0, le=180)] | None = None
    cursor: Annotated[str, Field(max_length=64)] | None = None
    lang: Annotated[str, Field(max_length=35)] | None = None


EmbedQuery = Annotated[_EmbedQuery, Query()]


async def _shell(request: Request, app: App, pseudonyms: PseudonymsDep) -> dict[str, Any]:
    """Return the values that all pages have.

    `open`: no key exists, and the connection is from this machine. `reader`: that of the address, if it is open.
    """
    ring: KeyRing = request.app.state.keys
    is_open = (await ring.current()).open and not is_exposed(request)
    # a pseudonym is no id that a reader could be requested by
    offered = is_open and pseudonyms.plain
    return {
        "open": is_open,
        "readers": await run_in_threadpool(_readers, app) if offered else [],
        "reader": request.query_params.get("reader") if is_open else None,
    }


Shell = Annotated[dict[str, Any], Depends(_shell)]


@router.get("/")
async def feed_page(shell: Shell, language: Language) -> HTMLResponse:
    """Return the page with the feed of a reader."""
    return reader_page("feed.html", shell, language)


@router.get("/attention")
async def attention_page(shell: Shell, language: Language) -> HTMLResponse:
    """Return the page with what was learned about a reader, and what the reader can do about it."""
    return reader_page("attention.html", shell, language)


@router.get("/read")
async def article_page(
    app: App, shell: Shell, language: Language, article: Annotated[Id, Query(alias="id")]
) -> HTMLResponse:
    """Return the page of an article: 404 if there is none, 403 once keys exist, since texts need a key."""
    if not shell["open"]:
        return reader_page("article.html", shell | {"article": None}, language, 403)
    found = await run_in_threadpool(feeds.find_article, app, article)
    if found is None:
        return reader_page("article.html", shell | {"article": None}, language, 404)
    shown = full_article_out(dict(found.columns)).model_dump()
    paragraphs = [text for text in (shown["body"] or "").splitlines() if text.strip()]
    related = await run_in_threadpool(_related, app, article)
    brief = await run_in_threadpool(article_briefs.find_brief, app, article)
    in_brief = (
        brief.text if brief is not None and brief.of == "body" else ""
    )  # the abstract is on the page already
    context = {"article": shown, "paragraphs": paragraphs, "related": related, "brief": in_brief}
    return reader_page("article.html", shell | context, language)


@router.get("/embed/feed")
async def embedded_feed(
    request: Request,
    app: App,
    pseudonyms: PseudonymsDep,
    query: EmbedQuery,
    only_preview: OnlyPreview,
    language: Language,
) -> HTMLResponse:
    """Return a feed that needs no script, for a frame in a page of an origin that has a site key.

    It is in the language `lang`, by default in that of the browser.

    Raises:
        HTTPProblem: see `authorize`.
        RequestError: the reader is missing, or is named twice.
        StoreError: the database is unavailable, and there is a cursor.
    """
    reader = await _reader_of(request, query)
    if query.lang is not None:
        language = best_language(query.lang, LANGUAGES)
    wanted = FeedRequest(
        request_id=uuid.uuid4().hex,
        reader=pseudonyms.of(reader),
        limit=query.limit,
        minutes=query.minutes,
        explore=app.settings.explore,
        free_only=free_only(request),
    )

    def answer() -> dict[str, Any]:
        found = feeds.recommend_or_preview(app, wanted, query.cursor, only_preview=only_preview)
        ids = [id_ for item in found.ranking.items for id_ in (item.id, *item.also_in)]
        briefs = article_briefs.brief_texts(app, [item.id for item in found.ranking.items])
        return feed_out(found, wanted.reader, feeds.summaries(app, ids), [], language, briefs).model_dump()

    shown = await run_in_threadpool(answer)
    given = query.model_dump(exclude_none=True) | {"cursor": shown["cursor"]}
    keys = await request.app.state.keys.current()
    ancestors = _OWN_MACHINE if keys.open else ("'self'", *sorted(keys.origins))
    context = {"feed": shown, "given": given}
    return reader_page("embedded_feed.html", context, language, frame_ancestors=ancestors)


async def _reader_of(request: Request, query: _EmbedQuery) -> str:
    """Return the reader of the token in the address or header; for other callers, the reader in the address."""
    if query.token is not None:
        if query.reader is not None:
            raise RequestError("give token or reader, not both: a token names its reader")
        reader = check_token(request, query.token)
        require_rate(request.app.state.reader_rates.wait(reader))
        return reader
    await _authorize(request)
    found = token_reader(request) or query.reader
    if found is None:
        raise RequestError(f"this feed has no reader: {_HOW_TO_NAME_A_READER}")
    return found


async def _authorize(request: Request) -> None:
    """Check a key or token in the headers; where they have none, ask for the token that pages have."""
    try:
        await authorize(request, Scope.READ, own_reader=True)
    except HTTPProblem as problem:
        has_key = "authorization" in request.headers or "x-api-key" in request.headers
        if problem.status_code != 401 or has_key:
            raise
        raise HTTPProblem(401, "A reader token is needed", _HOW_TO_SIGN_IN, problem.headers) from problem


def _readers(app: Application) -> list[str]:
    try:
        users = gorse_people.list_users(app, "", _OFFERED)
    except StoreError as error:  # feeds are answered from memory meanwhile, for a reader that is typed
        logger.warning("known readers are not offered: %s", type(error).__name__)
        return []
    return [user.id for user in users]


def _related(app: Application, article: str) -> list[dict[str, Any]]:
    return [dict(row) for row in feeds.find_articles(app, feeds.similar(app, article, _RELATED).ids)]
