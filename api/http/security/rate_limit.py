"""Rate limit per key: a sliding window, counted by the library `limits` in memory or in Redis."""

import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from recsys.errors import ConfigError
from recsys.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool

logger = logging.getLogger(__name__)

_MEMORY = "memory://"
_PATIENCE = 1.0
"""Seconds that a request waits for Redis."""


class RateLimiter:
    """Rate limit that applies to each key."""

    def __init__(
        self,
        limit: RateLimitItem | None,
        storage: MemoryStorage | RedisStorage,
        pool: "ConnectionPool | None" = None,
    ) -> None:
        self._limit = limit
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._pool = pool

    async def wait(self, key: str) -> int | None:
        """Count a request of `key`; return None if it is allowed, else the seconds to wait.

        Requests are allowed while the storage is unavailable: readers' feeds matter more than the limit.
        """
        if self._limit is None:
            return None
        try:
            if await self._limiter.hit(self._limit, key):
                return None
            reset, _ = await self._limiter.get_window_stats(self._limit, key)
        except StorageError as error:
            logger.warning("requests are not counted: ATTUNE_RATE_LIMIT_STORAGE fails: %s", error.storage_error)
            return None
        return max(1, math.ceil(reset - time.time()))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Close the connections to the storage at the end."""
        yield
        if self._pool is not None:
            await self._pool.disconnect()


def limit_of(variable: str, written: str) -> RateLimitItem | None:
    """Return the limit that a setting has; None for an empty one.

    Raises:
        ConfigError: it is not a limit.
    """
    try:
        return parse(written) if written.strip() else None
    except ValueError as error:
        raise ConfigError(f"{variable} {written!r}: write it like 600/minute") from error


def limiter_of(settings: Settings) -> RateLimiter:
    """Return the limiter for the settings; it connects later.

    Raises:
        ConfigError: the limit or its storage is not valid, or the driver of the storage is missing.
    """
    limit = limit_of("ATTUNE_RATE_LIMIT", settings.rate_limit)
    url = settings.rate_limit_storage
    if url == _MEMORY:
        return RateLimiter(limit, MemoryStorage())
    pool = _redis(url)
    storage = RedisStorage(
        f"async+{url}",
        wrap_exceptions=True,
        connection_pool=pool,  # type: ignore[arg-type]  # documented, but not in its types
        implementation="redispy",
        key_prefix="attune",
    )
    return RateLimiter(limit, storage, pool)


def _redis(url: str) -> "ConnectionPool":
    try:
        from redis.asyncio import ConnectionPool

        return ConnectionPool.from_url(url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)
    except ImportError as error:
        raise ConfigError("counting in Redis needs its driver: pip install 'attune-feed[redis]'") from error
    except ValueError as error:
        raise ConfigError(f"ATTUNE_RATE_LIMIT_STORAGE must be {_MEMORY} or redis://HOST:PORT: {error}") from error
