"""Sign-in and sign-out of the console: an admin key → a session in a cookie that no script can read."""

from fastapi import APIRouter, Request, Response
from limits import parse
from starlette.concurrency import run_in_threadpool

from api.application.console_access import begin_session, end_session
from api.application.scopes import Scope
from api.console.console_pages import error_page, see, show
from api.console.signed_in import COOKIE, console_router, read_form
from api.http.dependencies import App
from api.http.problems import HTTPProblem, problem_of
from api.http.security.keyring import KeyRing
from api.http.security.site_access import client_network
from api.http.security.window_limit import WindowLimiter
from recsys.errors import AttuneError

open_router = APIRouter(prefix="/console", tags=["console"], include_in_schema=False)
router = console_router()

_WRONG = "This is not a valid admin key. `attune keys create --scope admin` creates one."
_FOREIGN = "Sign in on the page of the console itself."


def sign_in_limit() -> WindowLimiter:
    """Return the limit of sign-ins by client address of one process."""
    return WindowLimiter(parse("20/minute"))


@open_router.post("/sign-in")
async def sign_in(request: Request, app: App) -> Response:
    """Begin a session of an admin key, whose cookie goes only to the console."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return show(request, "sign_in.html", {"problem": _FOREIGN}, 403)
    wait = request.app.state.sign_ins.wait(client_network(request))
    if wait is not None:
        busy = show(request, "sign_in.html", {"problem": f"Too many tries. Wait {wait} s."}, 429)
        busy.headers["Retry-After"] = str(wait)
        return busy
    try:
        form = await read_form(request)
        ring: KeyRing = request.app.state.keys
        key = (await ring.current()).owner(form.get("key", "").strip())
        if key is None:
            return show(request, "sign_in.html", {"problem": _WRONG}, 401)
        if not Scope(key.scope).allows(Scope.ADMIN):
            lesser = f"This key has the scope {key.scope}. The console needs an admin key."
            return show(request, "sign_in.html", {"problem": lesser}, 403)
        request.state.key = key.id
        session = await run_in_threadpool(begin_session, app, key.id)
    except HTTPProblem as problem:
        return error_page(request, problem)
    except AttuneError as error:
        return error_page(request, problem_of(error))
    answer = see(request, "console")
    # without a path, the cookie is for the folder of this address: the console, also below a path of a proxy
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, session.token, path=None, secure=secure, httponly=True, samesite="strict")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, app: App) -> Response:
    """End the session."""
    await run_in_threadpool(end_session, app, request.state.session)
    answer = see(request, "console")
    answer.delete_cookie(COOKIE, path=None, secure=request.url.scheme == "https", httponly=True, samesite="strict")  # type: ignore[arg-type]
    return answer
