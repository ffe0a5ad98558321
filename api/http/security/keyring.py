"""Keys in a serving process: read again when older than half a second.

While the database is unavailable, keys known before stay valid; unknown ones are refused.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from api.application import key_tokens
from recsys.errors import StoreError, StoreUnavailableError
from recsys.store import api_keys
from recsys.store.api_keys import KeyRow
from recsys.store.database import Database

logger = logging.getLogger(__name__)

FRESH_SECONDS = 0.5

STALE_SECONDS = 900.0
"""Time for which known keys stay valid while the database is unavailable: it cannot store revocations either."""

_SAVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys at one time. Requests cannot make it grow."""

    keys: Mapping[str, KeyRow] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """True if no key was ever created. Revoking the last key does not open the service again."""
        return not self.keys

    @property
    def origins(self) -> frozenset[str]:
        """Origins that valid site keys name."""
        valid = (row for row in self.keys.values() if row.revoked_at is None)
        return frozenset(origin for row in valid for origin in row.origins)

    def owner(self, token: str | None) -> KeyRow | None:
        """Return the valid key that `token` belongs to, or None."""
        id_ = None if token is None else key_tokens.id_of(token)
        if token is None or id_ is None:
            return None
        row = self.keys.get(id_)
        known = key_tokens.matches(token, row.digest if row else None)
        return row if row and known and row.revoked_at is None else None


class KeyRing:
    """Current keys, and the times at which they were used."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._ring = Ring()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._used: dict[str, int] = {}

    async def current(self) -> Ring:
        """Return keys at most `FRESH_SECONDS` old, or `STALE_SECONDS` while the database is unavailable.

        Raises:
            StoreError: keys cannot be read, and the known ones are too old.
        """
        if self._clock() - self._read_at > FRESH_SECONDS:
            async with self._reading:  # one request reads for all that wait
                if self._clock() - self._read_at > FRESH_SECONDS:
                    await self._read_again()
        return self._ring

    async def _read_again(self) -> None:
        started = self._clock()
        try:
            self._ring = await run_in_threadpool(self._read)
        except StoreUnavailableError:
            if started - self._read_at > STALE_SECONDS:
                raise
        else:
            self._read_at = started

    def note_use(self, id_: str) -> None:
        """Record that a key is used now."""
        self._used[id_] = time.time_ns() // 1_000

    @asynccontextmanager
    async def saving_uses(self) -> AsyncIterator[None]:
        """Store the times of use periodically and at the end, outside of requests."""
        saving = asyncio.create_task(self._save_periodically())
        yield
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving
        await run_in_threadpool(self._save_uses)

    async def _save_periodically(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            await run_in_threadpool(self._save_uses)

    def _save_uses(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            with self._database.write() as connection:
                api_keys.record_use(connection, used)
        except StoreError as error:
            logger.warning("the times at which keys were used are not stored: %s", error)

    def _read(self) -> Ring:
        with self._database.read() as connection:
            return Ring({row.id: row for row in api_keys.all_keys(connection)})
