"""Dependencies of routes: the application, pseudonyms, and reader ids of paths.

They are coroutines: FastAPI would send each plain function to another thread. Each has a direct reader for
`lean_route`.
"""

from typing import Annotated

from fastapi import Depends, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from api.application.context import Application
from api.http.accept_language import best_language
from api.http.lean_route import PathReader, direct
from api.http.problems import HTTPProblem
from api.http.reason_texts import LANGUAGES
from api.http.robots import is_prefetch, is_robot
from api.http.schemas import Id
from api.http.security.auth import token_reader
from ingest.pseudonyms import Pseudonyms


async def _application(request: Request) -> Application:
    app: Application = request.app.state.application
    return app


App = Annotated[Application, Depends(_application)]


async def _pseudonyms(request: Request) -> Pseudonyms:
    found: Pseudonyms = request.app.state.pseudonyms
    return found


PseudonymsDep = Annotated[Pseudonyms, Depends(_pseudonyms)]
"""For bodies, which contain reader ids outside of the path."""


_READER = Path(alias="reader", description="Id of the reader, as the publisher knows it.", examples=["r42"])


async def _reader(pseudonyms: PseudonymsDep, reader: Annotated[Id, _READER]) -> str:
    return pseudonyms.of(reader)


async def _user(pseudonyms: PseudonymsDep, user: Annotated[Id, Path()]) -> str:
    return pseudonyms.of(user)


Reader = Annotated[str, Depends(_reader)]
"""`{reader}` of a path, as it is stored."""

User = Annotated[str, Depends(_user)]
"""`{user}` of a path of Gorse's API, as it is stored."""

RawReaderId = Annotated[Id, _READER]
"""`{reader}` of a path, as the caller wrote it."""

PREVIEW_HEADER = "X-Attune-Preview"


_PREVIEW = Header(alias=PREVIEW_HEADER, description="Only look, as with `preview`.", examples=[True])


async def _only_preview(request: Request, wanted: Annotated[bool, _PREVIEW] = False) -> bool:
    return _is_preview(request, wanted)


def _is_preview(request: Request, wanted: bool) -> bool:
    if wanted:
        require_preview_key(request)
    return wanted or is_robot(request) or is_prefetch(request)


def require_preview_key(request: Request) -> None:
    """Refuse a preview to pages of readers: it is for editors and operators.

    Raises:
        HTTPProblem: 403, the request has a reader token.
    """
    if token_reader(request) is not None or "token" in request.query_params:
        detail = "a preview shows the feed of a reader who is not there: send a key instead of a reader token"
        raise HTTPProblem(403, "A reader token does not allow a preview", detail)


OnlyPreview = Annotated[bool, Depends(_only_preview)]
"""True for a caller that only looks (by header), a crawler or a prefetch: the answer is not logged as shown."""


async def _language(
    accept_language: Annotated[
        str,
        Header(
            description=f"Languages for the texts of reasons: {', '.join(LANGUAGES)}; English by default.",
            examples=["da, en;q=0.5"],
        ),
    ] = "",
) -> str:
    return best_language(accept_language, LANGUAGES)


Language = Annotated[str, Depends(_language)]
"""Language of the answer's texts, one of `LANGUAGES`."""


def language_headers(language: str) -> dict[str, str]:
    """Return the headers of an answer with texts in `language`, for caches among others."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


_BOOLEAN = TypeAdapter(bool)
_LANGUAGE_HEADER, _HEADER_OF_PREVIEW = "accept-language", PREVIEW_HEADER.lower()
_read_reader, _read_user = PathReader("reader", Id), PathReader("user", Id)


def _read_preview(request: Request) -> bool:
    given = request.headers.get(_HEADER_OF_PREVIEW)
    if given is None:
        return _is_preview(request, wanted=False)
    try:
        wanted = _BOOLEAN.validate_python(given)
    except ValidationError as error:
        place = ("header", PREVIEW_HEADER)
        raise RequestValidationError(
            [{**each, "loc": place} for each in error.errors(include_url=False)]
        ) from error
    return _is_preview(request, wanted)


direct(_application, lambda request: request.app.state.application)
direct(_pseudonyms, lambda request: request.app.state.pseudonyms)
direct(_reader, lambda request: request.app.state.pseudonyms.of(_read_reader(request)))
direct(_user, lambda request: request.app.state.pseudonyms.of(_read_user(request)))
direct(_only_preview, _read_preview)
direct(_language, lambda request: best_language(request.headers.get(_LANGUAGE_HEADER, ""), LANGUAGES))
