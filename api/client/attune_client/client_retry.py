"""When to try a request again: after 429, 503 and lost connections, with growing pauses."""

import random
from dataclasses import dataclass

import httpx

from .client_error import error_of
from .operations import Answer, Call

_LATER = (429, 503)
"""Statuses that say: not stored, try again."""

Outcome = httpx.Response | httpx.TransportError
"""The answer to a request, or the lost connection."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Retry:
    """Rule for repeated requests: at most `times`, with pauses in seconds from `first` on, each twice as long.

    longest: no pause is longer. If `Retry-After` names a longer one, the request fails at once.
    """

    times: int = 4
    first: float = 0.5
    longest: float = 30.0


class Attempts:
    """Attempts of one request."""

    def __init__(self, rule: Retry, call: Call) -> None:
        self._rule, self._call = rule, call
        self._failures = 0

    def pause(self, outcome: Outcome) -> float:
        """Return the seconds to wait after a failure.

        Raises:
            AttuneClientError: the request must not be sent again.
        """
        least = _retry_after(outcome)
        if self._failures >= self._rule.times or least > self._rule.longest or not self._may_repeat(outcome):
            raise error_of(outcome)
        pause = min(self._rule.first * 2.0**self._failures, self._rule.longest)
        self._failures += 1
        return max(least, pause * random.uniform(0.5, 1))  # noqa: S311 - so that clients do not return together

    def _may_repeat(self, outcome: Outcome) -> bool:
        if isinstance(outcome, httpx.Response):
            return outcome.status_code in _LATER
        return self._call.repeatable or isinstance(outcome, _NOT_SENT)


def answer_of(outcome: Outcome) -> Answer | None:
    """Return the body of a successful answer; None for any other outcome.

    Raises:
        AttuneClientError: the body is not JSON, so another service than Attune has answered.
    """
    if not isinstance(outcome, httpx.Response) or not outcome.is_success:
        return None
    try:
        found: Answer = outcome.json()
    except ValueError as error:
        raise error_of(outcome) from error
    return found


def _retry_after(outcome: Outcome) -> float:
    """Return the seconds of `Retry-After`; zero without it, or if it is a date."""
    text = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
    return float(text) if text.isascii() and text.isdigit() else 0.0
