"""`/unsubscribe`: the link of newsletters. GET only shows a question, since mail scanners open links; POST acts.

POST is also the one-click address of the header List-Unsubscribe (RFC 8058).
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from api.application.letters import unsubscribe_tokens
from api.http.dependencies import App, Language
from api.http.page_templates import reader_page
from api.http.problem_pages import PageRoute

router = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)

_Token = Annotated[str, Query(max_length=4_096)]


@router.get("/unsubscribe")
async def question(request: Request, language: Language, token: _Token = "") -> HTMLResponse:
    """Return a page with a button; nothing changes yet."""
    known = _reader_of(request, token) is not None
    return _page("question" if known else "wrong", token, language, 200 if known else 404)


@router.post("/unsubscribe")
async def act(
    request: Request, app: App, language: Language, token: _Token = "", undo: bool = False
) -> HTMLResponse:
    """Unsubscribe the reader of the token, or subscribe again with `undo`.

    Raises:
        StoreError: the database is unavailable.
    """
    reader = _reader_of(request, token)
    if reader is None:
        return _page("wrong", token, language, 404)
    change = unsubscribe_tokens.subscribe if undo else unsubscribe_tokens.unsubscribe
    await run_in_threadpool(change, app, reader)
    return _page("again" if undo else "done", token, language)


def _reader_of(request: Request, token: str) -> str | None:
    tokens: unsubscribe_tokens.UnsubscribeTokens = request.app.state.unsubscribe_tokens
    return tokens.reader_of(token)


def _page(state: str, token: str, language: str, status: int = 200) -> HTMLResponse:
    return reader_page("unsubscribe.html", {"state": state, "token": token}, language, status)
