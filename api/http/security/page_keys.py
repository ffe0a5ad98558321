"""Warning of keys in pages: everybody can copy a key that a page contains, so pages use site keys and tokens."""

import logging

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter

from recsys.store.api_keys import KeyRow

logger = logging.getLogger(__name__)


class PageKeys:
    """Keys that pages of other origins used, and the number of their requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._known: set[str] = set()
        self._requests = Counter(
            "attune_page_key_requests",
            "Requests from pages of other origins with a key that no page should contain.",
            ["scope"],
            registry=registry,
        )

    def note(self, key: KeyRow) -> None:
        """Count a request, and log the first one of each key."""
        self._requests.labels(key.scope).inc()
        if key.id not in self._known:
            self._known.add(key.id)
            logger.warning(
                "a web page uses the %s key %s, which all its visitors can copy: revoke it, and use a site key "
                "and reader tokens (docs/guides/reader-tokens.md)",
                key.scope,
                key.id,
            )


def warn_of_page(request: Request, key: KeyRow) -> None:
    """Warn if a page of another origin sent the request."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        pages: PageKeys = request.app.state.page_keys
        pages.note(key)
