"""Background jobs of a feed: load articles, rules and bundles, save state and index, sweep, count, probe.

While the database is unavailable only the probe works; the other jobs resume afterwards.
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
from recsys.serving.recovery import probe, store_spooled
from recsys.serving.spool import Spool
from recsys.store import console_sessions, experiments, feed_cursors, traffic
from recsys.store.database import Database

logger = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""Delay until articles stored by another process are loaded."""

_FOLLOW_SECONDS = 0.2
"""Delay until rows are folded while no feed is requested; more rows at once would hold up other requests."""

_RULE_POLL_SECONDS = 0.5
"""Delay until rules that another process added or removed act."""

_BUNDLE_POLL_SECONDS = 0.5
"""Delay until a bundle activated by another process serves."""

_PROBE_SECONDS = 1.0
"""Interval of probes of an unavailable database."""

_SWEEP_SECONDS = 60.0
"""Interval of deleting expired cursors and sessions, and old shadow slates."""

_TRAFFIC_SECONDS = 20.0
"""Interval of counting the new rows of the log for the console."""

_SHADOW_LIFETIME = 30 * DAY
"""Time after which shadow slates are deleted."""

_SAVE_SECONDS = 30.0
"""Interval of checks whether state or index should be saved."""

_MANY_ROWS, _MANY_ARTICLES = 20_000, 1_000
"""From this much new content on they are saved: without it a restart takes up to a second longer."""

_PATIENCE = 10.0
"""Seconds that `stop` waits for a running job, and seconds between attempts after a failure."""

_ENCODING_PATIENCE = 0.5
"""Seconds that `stop` waits for articles to be encoded: what is not stored yet, the next start encodes."""


class BackgroundJobs:
    """Background threads of one service.

    Attributes:
        ready: set once the articles of the first start are searchable.
        articles: job that loads new articles.
        traffic: job that counts the new rows of the log.
    """

    def __init__(self, live: LiveEngine, database: Database, spool: Spool, clock: Clock) -> None:
        self.ready = threading.Event()
        self._live = live
        self._database = database
        self._spool = spool
        self._clock = clock
        self._stopping = threading.Event()
        adopt, sweep = self._while_reachable(live.adopt_bundle), self._while_reachable(self._sweep)
        self.articles = Periodic("articles", self._while_reachable(self._load_articles), _POLL_SECONDS, _PATIENCE)
        count = self._while_reachable(self._count_traffic)
        self.traffic = Periodic("traffic", count, _TRAFFIC_SECONDS, _TRAFFIC_SECONDS)
        self._bundles = Periodic("bundles", adopt, _BUNDLE_POLL_SECONDS, _BUNDLE_POLL_SECONDS)
        self._recovery = Periodic("recovery", self._recover, _PROBE_SECONDS, _PROBE_SECONDS)
        self._jobs = (
            self.articles,
            Periodic("log", self._while_reachable(self._follow), _FOLLOW_SECONDS, _PATIENCE),
            self._bundles,
            Periodic("rules", self._while_reachable(self._load_rules), _RULE_POLL_SECONDS, _RULE_POLL_SECONDS),
            Periodic("experiments", live.adopt_challenger, _BUNDLE_POLL_SECONDS, _BUNDLE_POLL_SECONDS),
            Periodic("expired pages", sweep, _SWEEP_SECONDS, _SWEEP_SECONDS),
            self.traffic,
            Periodic("saving", self._save, _SAVE_SECONDS, _SAVE_SECONDS),
            self._recovery,
        )

    @property
    def failure(self) -> str | None:
        """Reason why log, articles or the active bundle cannot be loaded; feeds continue with the former ones."""
        return self._live.follower.failure or self.articles.failure or self._bundles.failure

    @property
    def recovery_failure(self) -> str | None:
        """Reason why spooled slates cannot be stored although the database is available."""
        return self._recovery.failure

    def start(self) -> None:
        """Start all jobs; call it after the live engine has started."""
        for job in self._jobs:
            job.start()

    def stop(self) -> None:
        """Stop all jobs, and save new content so that the next start is quick."""
        self._stopping.set()
        for job in reversed(self._jobs):
            job.stop(_ENCODING_PATIENCE if job is self.articles else _PATIENCE)
        self._live.save(least_rows=1, least_articles=1)

    def _load_articles(self) -> None:
        """Fold new rows of the log, then encode articles without a vector."""
        self._follow()
        complete = self._live.refresh_articles()
        self._record_attention()
        if complete:
            self.ready.set()

    def _load_rules(self) -> None:
        self._live.refresh_rules(self._clock.next())

    def _follow(self) -> None:
        """Fold rows of other processes also without requests, so that erased readers do not stay in memory."""
        with self._live.lock:
            self._live.catch_up()

    def _record_attention(self) -> None:
        monitor = self._live.serving.monitor  # another thread may adopt a bundle meanwhile
        if monitor is not None:
            monitor.record(self._database, self._clock.next())

    def _save(self) -> None:
        if self.ready.is_set():  # during the first start, all content is new all the time
            self._live.save(_MANY_ROWS, _MANY_ARTICLES)

    def _sweep(self) -> None:
        """Delete expired cursors and sessions, and old shadow slates."""
        now = self._clock.next()
        with self._database.write() as connection:
            feed_cursors.sweep(connection, now)
            experiments.delete_shadows(connection, now - _SHADOW_LIFETIME)
            console_sessions.sweep(connection, now - DAY)

    def _count_traffic(self) -> None:
        """Count the new rows of the log; after an import or a first start, in several steps.

        Rows that arrive meanwhile wait for the next call: a growing log would keep it busy forever.
        """
        is_last = False
        while not (is_last or self._stopping.is_set()):
            now = self._clock.next()
            with self._database.read() as connection:
                update = traffic.pending(connection, now)
            if update is None:
                return
            with self._database.write() as connection:
                traffic.apply(connection, update, now)
            is_last = update.is_last

    def _while_reachable(self, job: Callable[[], None]) -> Callable[[], None]:
        """Return `job`, skipped without failure while the database is unavailable."""

        def guarded() -> None:
            if not self._database.circuit.is_open:
                with suppress(StoreUnavailableError):  # the first caller that meets it logs it
                    job()

        return guarded

    def _recover(self) -> None:
        """Use the database again once it is available; store the spooled slates first."""
        self._spool.sync()
        if not (self._database.circuit.is_open or self._spool.waiting):
            return
        with suppress(StoreUnavailableError):
            probe(self._database)  # without the lock: feeds go on meanwhile
            with self._live.lock:
                stored = store_spooled(self._database, self._spool, self._clock)
                self._database.circuit.reset()
                self._live.catch_up()
            logger.info("stored %d slates that were shown while the database was unavailable", stored)
