"""Requests that no reader sees: crawlers that declare themselves, and pages that a browser fetches in advance."""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from fastapi import Request

_AT_ONCE = 25
"""Patterns joined to one expression: `re` is slower with all of them in one."""

_LONGEST = 1_024
"""Characters of a user agent that are looked at."""

_LIBRARY = "http-library"
"""Tag of HTTP clients such as okhttp or python-requests: publishers' apps and servers use them, for readers."""

_PATTERNS = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA if _LIBRARY not in entry.get("tags", ())]
_CRAWLERS = [
    re.compile("|".join(_PATTERNS[start : start + _AT_ONCE])) for start in range(0, len(_PATTERNS), _AT_ONCE)
]


@lru_cache(maxsize=4_096)
def _is_crawler(user_agent: str) -> bool:
    return any(pattern.search(user_agent) for pattern in _CRAWLERS)


def is_robot(request: Request) -> bool:
    """Return True if the user agent declares a crawler, monitor or headless browser."""
    return _is_crawler(request.headers.get("user-agent", "")[:_LONGEST])


def is_prefetch(request: Request) -> bool:
    """Return True if the browser fetches in advance: the reader may never see the answer."""
    purposes = (request.headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-moz"))
    return any("prefetch" in purpose or "prerender" in purpose for purpose in purposes)
