"""Limits of readers and addresses, of which there are many: a sliding window, counted in this process.

The library `limits`, which counts keys (`rate_limit`), goes through all names at every request when it counts in
memory. Here a request costs the same with any number of names.
"""

import hashlib
import math
import secrets
import time
from collections.abc import Callable

from limits import RateLimitItem

_MOST_NAMES = 200_000


class WindowLimiter:
    """Limit that applies to each name. Names are kept as keyed hashes, with a secret that is stored nowhere.

    Args:
        limit: allowed cost in a window; None allows everything.
        most_names: names of one window; more of them end it early, so that memory is bounded.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        limit: RateLimitItem | None,
        most_names: int = _MOST_NAMES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._most_names, self._clock = limit, most_names, clock
        self._secret = secrets.token_bytes(32)
        self._started = clock()
        self._before: dict[bytes, int] = {}
        self._now: dict[bytes, int] = {}

    def wait(self, name: str, cost: int = 1) -> int | None:
        """Count `cost` for `name`; return None if it is allowed, else the seconds to wait.

        The share of the former window that is not over counts, too. A large cost counts as the limit less one,
        to be possible after the cheap request that it comes with.
        """
        if self._limit is None:
            return None
        seconds = self._limit.get_expiry()
        passed = self._turn(seconds)
        key = hashlib.blake2b(name.encode(errors="surrogatepass"), key=self._secret, digest_size=16).digest()
        used, former = self._now.get(key, 0), self._before.get(key, 0)
        cost = min(cost, max(1, self._limit.amount - 1))
        if used + former * (1 - passed / seconds) + cost > self._limit.amount:
            return max(1, math.ceil(seconds - passed))
        self._now[key] = used + cost
        return None

    def _turn(self, seconds: float) -> float:
        """Begin a new window if the current one is over or full; return the seconds since its start."""
        passed = self._clock() - self._started
        if passed >= seconds or len(self._now) >= self._most_names:
            self._before = self._now if passed < 2 * seconds else {}
            self._now = {}
            self._started += passed - passed % seconds if passed >= seconds else passed
            passed = self._clock() - self._started
        return passed
