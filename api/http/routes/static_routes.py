"""GET /static: browser code, open to every page of every origin."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.http.problems import HTTPProblem
from api.http.web_files import WebFile, tracker, web_files

router = APIRouter(prefix="/static", tags=["browser"], include_in_schema=False)

_OPEN = {
    # pages of other origins load these files, also with `integrity`, which needs CORS
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_SHORT = "public, max-age=300"
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/attune.json")
def script() -> JSONResponse:
    """Return the current address of the tracker and its hash, for the attributes `src` and `integrity`."""
    current = tracker()
    content = {"src": f"/static/{current.versioned}", "integrity": current.integrity}
    return JSONResponse(content, headers=_OPEN | {"Cache-Control": _SHORT})


@router.get("/{name}")
def static_file(name: str, request: Request) -> Response:
    """Return a built file: under its plain name for a short time, under its versioned name for ever.

    Raises:
        HTTPProblem: 404, there is no such file.
    """
    found = web_files().get(name)
    if found is None:
        detail = "there is no such file; GET /static/attune.json names the current one"
        raise HTTPProblem(404, "No such file", detail, _OPEN)
    return _answer(found, request, _FOR_EVER if name == found.versioned else _SHORT)


def _answer(file: WebFile, request: Request, caching: str) -> Response:
    headers = _OPEN | {"Cache-Control": caching, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.body, media_type=file.media_type, headers=headers)
    return Response(file.compressed, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
