"""The error of all requests."""

from collections.abc import Mapping
from typing import Any

import httpx

NOT_REACHED = 0
"""Status of an error without an answer."""


class AttuneClientError(Exception):
    """A request failed, and trying again did not help or was of no use.

    status: of the answer; 0 if the service could not be reached. problem: the problem document (RFC 9457) with
    `title` and `detail`; the detail names the fix.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('title')} ({status}): {problem.get('detail')}")
        self.status = status
        self.problem = problem


def error_of(outcome: httpx.Response | httpx.TransportError) -> AttuneClientError:
    """Return the error for an answer that is none of success, or for a lost connection."""
    if isinstance(outcome, httpx.TransportError):
        detail = f"{outcome or type(outcome).__name__}: check the address, and that the service runs"
        return AttuneClientError(NOT_REACHED, {"title": "Attune could not be reached", "detail": detail})
    if outcome.headers.get("content-type", "").startswith("application/problem+json"):
        return AttuneClientError(outcome.status_code, outcome.json())
    title = outcome.reason_phrase or "The answer is not from Attune"
    return AttuneClientError(outcome.status_code, {"title": title, "detail": outcome.text[:200]})
