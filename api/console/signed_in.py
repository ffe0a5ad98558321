"""Access to the console: every route needs a session, and every form the token of its session.

A session counts only while its key is valid, so revoking a key ends its sessions.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api.application.console_access import Session, find_session
from api.application.scopes import Scope
from api.console.console_pages import error_page, here, is_part, show, up
from api.http.problems import HTTPProblem, problem_of
from api.http.security.auth import count
from api.http.security.keyring import KeyRing
from recsys.errors import AttuneError, ForeignReaderError, RequestError

COOKIE = "attune_console"

_MOST_BYTES, _MOST_FIELDS = 64 * 1_024, 100

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SignedInRoute(APIRoute):
    """Route that needs a session; errors of its handler become pages."""

    def get_route_handler(self) -> Handler:
        """Return the handler with the checks before it."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                session = await session_of(request)
                if session is None:
                    return _ended(request)
                request.state.session, request.state.key = session, session.key
                await count(request.app.state.rates, session.key)
                if request.method == "POST":
                    await _check_form(request, session)
                return await answer(request)
            except HTTPProblem as problem:
                return error_page(request, problem)
            except ForeignReaderError:
                raise  # the form is sent on to another shard
            except AttuneError as error:
                return error_page(request, problem_of(error))
            except RequestValidationError as error:
                wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
                return error_page(request, HTTPProblem(422, "The request is not valid", wrong))

        return handle


def console_router(prefix: str = "/console") -> APIRouter:
    """Return a router of pages that need a session."""
    return APIRouter(prefix=prefix, tags=["console"], route_class=SignedInRoute, include_in_schema=False)


async def session_of(request: Request) -> Session | None:
    """Return the session of the request's cookie, if it has not expired and its key is a valid admin key.

    Raises:
        StoreError: sessions or keys cannot be read.
    """
    token = request.cookies.get(COOKIE)
    if token is None:
        return None
    session = await run_in_threadpool(find_session, request.app.state.application, token)
    if session is None:
        return None
    ring: KeyRing = request.app.state.keys
    key = (await ring.current()).keys.get(session.key)
    if key is None or key.revoked_at is not None or not Scope(key.scope).allows(Scope.ADMIN):
        return None
    ring.note_use(key.id)
    return session


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of fields with one name the last one.

    Raises:
        HTTPProblem: 413 above 64 KiB, 415 for another type of body, 422 with too many fields.
    """
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPProblem(415, "This is no form", "send the fields as application/x-www-form-urlencoded")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise HTTPProblem(413, "The form is too large", f"a form may have at most {_MOST_BYTES} bytes")
    request.state.form_bytes = bytes(content)
    try:
        text = content.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        detail = f"send UTF-8 and at most {_MOST_FIELDS} fields"
        raise HTTPProblem(422, "The form cannot be read", detail) from error
    return dict(pairs)


def form_of(request: Request) -> dict[str, str]:
    """Return the fields of the checked form, without space around them and without empty ones.

    Raises:
        RequestError: a field has a character that no database can hold.
    """
    fields: dict[str, str] = request.state.form
    if any("\0" in value for value in fields.values()):
        raise RequestError("a field has a character that cannot be stored: remove it")
    return {name: value.strip() for name, value in fields.items() if value.strip()}


async def _check_form(request: Request, session: Session) -> None:
    form = await read_form(request)
    if not session.owns_form(form.pop("form_token", "")):
        detail = "the form is of another session, or was open for too long: open the page again, and send it again"
        raise HTTPProblem(403, "The form is not of this session", detail)
    request.state.form = form


def _ended(request: Request) -> Response:
    """Return the sign-in page; a page that only loads a part of itself goes there as a whole."""
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": f"{up(request)}console"})
    ended = "Your session has ended. Sign in again." if COOKIE in request.cookies else None
    first = ended is None and here(request) == "console"
    return show(request, "sign_in.html", {"problem": ended}, 200 if first else 401)
