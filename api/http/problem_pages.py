"""Problems of pages for readers: browsers get a page, all others a problem document."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.http.accept_language import best_language
from api.http.page_templates import reader_page
from api.http.problems import HTTPProblem, as_problem
from api.http.reason_texts import LANGUAGES
from recsys.errors import AttuneError

KINDS = {401: "sign_in", 403: "sign_in", 429: "busy"}
"""Text of a status; that of all other ones is `wrong` for the caller's errors, and `later` for the service's."""

_ANYBODY = ("*",)
"""A frame may show a problem in any page: it is of no reader, and a click on it changes nothing."""


class PageRoute(APIRoute):
    """Route of a page: what it raises is a page, too, for clients that accept HTML."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
        answer = super().get_route_handler()

        async def answer_or_problem(request: Request) -> Response:
            try:
                return await answer(request)
            except (HTTPException, RequestValidationError, AttuneError) as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                return _page_of(request, as_problem(request, error))

        return answer_or_problem


def _page_of(request: Request, problem: HTTPProblem) -> Response:
    status = problem.status_code
    context = {
        "kind": KINDS.get(status, "wrong" if status < 500 else "later"),
        "title": problem.title,
        "detail": problem.detail,
        "first_page": _first_page(request) if status == 422 else None,
        "root": "../" * (request.url.path.count("/") - 1),  # as in a link of the page itself
    }
    preferred = request.query_params.get("lang") or request.headers.get("accept-language", "")
    answer = reader_page("problem.html", context, best_language(preferred, LANGUAGES), status, _ANYBODY)
    answer.headers.update(problem.headers or {})
    return answer


def _first_page(request: Request) -> str | None:
    """Return the query of the first page, if the request is for a later one: its cursor may have expired."""
    given = request.query_params
    if "cursor" not in given:
        return None
    return urlencode([(name, value) for name, value in given.multi_items() if name != "cursor"])
