"""The keys as a serving process knows them: read again when older than half a second, whoever makes them.

While the database is away, those known before hold; who is unknown is refused.
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
"""While the database is away, keys hold as they were known, for so long: nobody can revoke one there either."""

_SAVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Ring:
    """All keys at one moment. Nothing a caller sends can make it grow."""

    keys: Mapping[str, KeyRow] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether no key was ever made. Revoking the last one does not open the service again."""
        return not self.keys

    def owner(self, token: str | None) -> KeyRow | None:
        """The key that `token` is, if it holds."""
        id_ = None if token is None else key_tokens.id_of(token)
        if token is None or id_ is None:
            return None
        row = self.keys.get(id_)
        known = key_tokens.matches(token, row.digest if row else None)
        return row if row and known and row.revoked_at is None else None


class KeyRing:
    """Gives the current ring, and remembers which keys were used."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._ring = Ring()
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._used: dict[str, int] = {}

    async def current(self) -> Ring:
        """The keys as of at most `FRESH_SECONDS` ago, or `STALE_SECONDS` while the database is away.

        Raises:
            StoreError: they cannot be read: nobody is let in on what was known longer ago.
        """
        if self._clock() - self._read_at > FRESH_SECONDS:
            async with self._reading:  # one reads for all who wait
                if self._clock() - self._read_at > FRESH_SECONDS:
                    await self._read_again()
        return self._ring

    async def _read_again(self) -> None:
        began = self._clock()
        try:
            self._ring = await run_in_threadpool(self._read)
        except StoreUnavailableError:
            if began - self._read_at > STALE_SECONDS:
                raise
        else:
            self._read_at = began

    def note_use(self, id_: str) -> None:
        """A key was used now."""
        self._used[id_] = time.time_ns() // 1_000

    @asynccontextmanager
    async def saving_uses(self) -> AsyncIterator[None]:
        """Store now and then, and in the end, when keys were used: no request waits for it."""
        saving = asyncio.create_task(self._save_now_and_then())
        yield
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving
        await run_in_threadpool(self._save_uses)

    async def _save_now_and_then(self) -> None:
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
            logger.warning("when keys were last used is not stored: %s", error)

    def _read(self) -> Ring:
        with self._database.read() as connection:
            return Ring({row.id: row for row in api_keys.all_keys(connection)})
