"""Origins of web pages, as browsers send them: scheme, host and port."""

import re
from collections.abc import Iterable

from recsys.errors import RequestError

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def is_origin(text: str) -> bool:
    """Return True for an origin such as https://news.example or http://localhost:3000, without a path."""
    return _ORIGIN.fullmatch(text) is not None


def site_origins(given: Iterable[str]) -> tuple[str, ...]:
    """Return the origins of a site key in the form of the header `Origin`: lower case, without a default port.

    Raises:
        RequestError: there is none, or one is not an origin.
    """
    origins = tuple(dict.fromkeys(_as_sent(each.strip()) for each in given))
    if not origins:
        raise RequestError("a site key needs the origins of its pages: add --origin https://news.example")
    return origins


def _as_sent(text: str) -> str:
    if not is_origin(text):
        raise RequestError(f"{text!r} is not an origin; write it like https://news.example, without a path")
    origin = text.lower()
    default = ":443" if origin.startswith("https:") else ":80"
    return origin.removesuffix(default)
