"""What a feed does beside answering: threads take in articles and bundles, save, sweep, and probe the database.

While the database is away only the last of them works; the others go on once it is back.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from recsys.domain import DAY
from recsys.errors import StoreUnavailableError
from recsys.serving.clock import Clock
from recsys.serving.live_engine import LiveEngine
from recsys.serving.periodic_job import Periodic
from recsys.serving.recovery import is_reachable, store_spooled
from recsys.serving.spool import Spool
from recsys.store import experiments, feed_cursors
from recsys.store.database import Database

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How soon articles that another process stores are taken in."""

_BUNDLE_POLL_SECONDS = 0.5
"""How soon a bundle that another process activates serves."""

_PROBE_SECONDS = 1.0
"""How often a database that is away is tried."""

_SWEEP_SECONDS = 60.0
"""How often pages that nobody can go on with any more are deleted, and what no trial needs any more."""

_SHADOWS_KEPT = 30 * DAY
"""How long a slate is kept that a challenger made and nobody saw."""

_SAVE_SECONDS = 30.0
"""How often it is looked whether state or index are to be saved."""

_MANY_ROWS, _MANY_ARTICLES = 5_000, 1_000
"""With so much new in them they are: to fold or to link it would cost a restart up to a second."""

_PATIENCE = 10.0
"""Seconds that `stop` waits for articles being encoded, and between attempts after a failure."""


class BackgroundJobs:
    """The threads of one service.

    Attributes:
        ready: set once the articles of the first start are searchable.
        articles: takes in new ones.
    """

    def __init__(self, live: LiveEngine, database: Database, spool: Spool, clock: Clock) -> None:
        self.ready = threading.Event()
        self._live = live
        self._database = database
        self._spool = spool
        self._clock = clock
        adopt, sweep = self._while_reachable(live.adopt_bundle), self._while_reachable(self._sweep)
        self.articles = Periodic("articles", self._while_reachable(self._take_in), _POLL_SECONDS, _PATIENCE)
        self._bundles = Periodic("bundles", adopt, _BUNDLE_POLL_SECONDS, _BUNDLE_POLL_SECONDS)
        self._recovery = Periodic("recovery", self._recover, _PROBE_SECONDS, _PROBE_SECONDS)
        self._jobs = (
            self.articles,
            self._bundles,
            Periodic("trials", live.adopt_challenger, _BUNDLE_POLL_SECONDS, _BUNDLE_POLL_SECONDS),
            Periodic("expired pages", sweep, _SWEEP_SECONDS, _SWEEP_SECONDS),
            Periodic("saving", self._save, _SAVE_SECONDS, _SAVE_SECONDS),
            self._recovery,
        )

    @property
    def failure(self) -> str | None:
        """Why articles cannot be taken in, or the active bundle cannot serve; feeds go on as they were."""
        return self.articles.failure or self._bundles.failure

    @property
    def recovery_failure(self) -> str | None:
        """Why what was shown while the database was away cannot be stored, though the database answers."""
        return self._recovery.failure

    def start(self) -> None:
        """Begin with all of it, once the live engine has started."""
        for job in self._jobs:
            job.start()

    def stop(self) -> None:
        """End all of it, and save what is new, so that the next start is quick."""
        for job in reversed(self._jobs):
            job.stop(_PATIENCE)
        self._live.save(least_rows=0, least_articles=1)

    def _take_in(self) -> None:
        """Follow what other processes stored, also if the encoder fails, and encode what has no vector."""
        self._follow()
        self._live.refresh_articles()
        self._record_attention()
        self.ready.set()

    def _follow(self) -> None:
        """Fold what other processes appended also when nobody asks: who was erased is not to stay in memory."""
        with self._live.lock:
            self._live.catch_up()

    def _record_attention(self) -> None:
        monitor = self._live.serving.monitor  # another thread may adopt a bundle meanwhile
        if monitor is not None:
            monitor.record(self._database, self._clock.next())

    def _save(self) -> None:
        if self.ready.is_set():  # while a first start encodes, all of it is new all the time
            self._live.save(_MANY_ROWS, _MANY_ARTICLES)

    def _sweep(self) -> None:
        """Delete what nobody can go on with any more, and what no trial needs any more."""
        now = self._clock.next()
        with self._database.write() as connection:
            feed_cursors.sweep(connection, now)
            experiments.delete_shadows(connection, now - _SHADOWS_KEPT)

    def _while_reachable(self, job: Callable[[], None]) -> Callable[[], None]:
        """`job`, which is not done while the database is away: that is no failure of its own."""

        def done() -> None:
            if not self._database.circuit.is_open:
                with suppress(StoreUnavailableError):  # told once by whoever met it first
                    job()

        return done

    def _recover(self) -> None:
        """Use the database again once it is back: what was spooled is stored before anything else is."""
        self._spool.sync()
        if not (self._database.circuit.is_open or self._spool.waiting):
            return
        with suppress(StoreUnavailableError):
            is_reachable(self._database)  # without the lock: feeds go on meanwhile
            with self._live.lock:
                stored = store_spooled(self._database, self._spool, self._clock)
                self._database.circuit.reset()
                self._live.catch_up()
            logger.info("%d slates stored that were shown while the database was away", stored)
