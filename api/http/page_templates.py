"""Pages for people: their templates, and the headers that all of them have."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from api.http.dependencies import language_headers
from api.http.page_texts import page_texts
from api.http.web_files import web_files
from recsys.domain import SECOND

_PAGES = Environment(
    loader=PackageLoader("api", "web/pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def page(
    template: str, context: dict[str, Any], status: int = 200, frame_ancestors: Iterable[str] = ("'none'",)
) -> HTMLResponse:
    """Return a page. It runs and loads only files of this service, except images of articles.

    Args:
        template: file in `api/web/pages`.
        context: values of the template; they are escaped.
        status: HTTP status.
        frame_ancestors: origins whose pages may show this one in a frame.
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' https: data:",  # images of articles are on the publishers' servers
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(frame_ancestors),
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return HTMLResponse(_PAGES.get_template(template).render(context), status, headers)


def reader_page(
    template: str,
    context: dict[str, Any],
    language: str,
    status: int = 200,
    frame_ancestors: Iterable[str] = ("'none'",),
) -> HTMLResponse:
    """Return a page for readers, with the `texts` of one of `LANGUAGES`. Other arguments are those of `page`."""
    texts = {"language": language, "texts": page_texts(language)}
    answer = page(template, context | texts, status, frame_ancestors)
    answer.headers.update(language_headers(language))
    return answer


def _file(name: str) -> str:
    """Return the path of a built file that browsers keep for ever, from the root of the service."""
    return f"static/{web_files()[name].versioned}"


def _web_address(address: str | None) -> str | None:
    """Return an address of the web, or None: no address of an article may run a script."""
    try:
        return address if address and urlsplit(address).scheme in ("http", "https") else None
    except ValueError:
        return None


def _moment(at: int | None) -> str:
    """Return microseconds as a time in UTC, to the minute; a dash for None."""
    return "–" if at is None else datetime.fromtimestamp(at / SECOND, UTC).strftime("%-d %b %Y, %H:%M UTC")


def _percent(share: float | None) -> str:
    """Return a share as a percentage; a dash for None."""
    return "–" if share is None else f"{share:.1%}"


_PAGES.filters["moment"], _PAGES.filters["percent"] = _moment, _percent
_PAGES.filters["web_address"] = _web_address
_PAGES.globals["file"] = _file
