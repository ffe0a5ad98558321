"""Application: the values that every use-case needs, and the two steps that every write must take.

A use-case is a function `(app, …)` in this package. HTTP, Gorse routes and the command line call only use-cases,
so locks, receipt times, wake-ups and the audit log are handled in one place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from recsys.encoder import lazy
from recsys.encoder.protocols import ModelEncoder
from recsys.serving.clock import Clock
from recsys.serving.log_writer import LogWriter
from recsys.settings import Settings
from recsys.store.database import Database, opened

if TYPE_CHECKING:  # commands have no feed, and start without the libraries of one
    from recsys.serving.feed_service import FeedService

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One process with one database.

    writer: appends events and slates to the log. service: live feed of this process; None in a command, whose
    changes running services notice in the log.
    """

    database: Database
    settings: Settings
    encoder: ModelEncoder
    writer: LogWriter
    clock: Clock
    service: "FeedService | None" = None

    @classmethod
    def of(cls, service: "FeedService") -> "Application":
        """Return the application around a running service."""
        return cls(
            database=service.database,
            settings=service.settings,
            encoder=service.encoder,
            writer=service.writer,
            clock=service.clock,
            service=service,
        )

    @property
    def feed(self) -> "FeedService":
        """Live feed; only callers in a serving process may use it."""
        assert self.service is not None, "this use-case needs a running service"
        return self.service

    def between_answers(self, write: Callable[[], T]) -> T:
        """Run a write that depends on the state, or changes stored rows; a service answers nothing meanwhile."""
        return write() if self.service is None else self.service.between_answers(write)

    def articles_changed(self) -> None:
        """Wake the job that loads changed articles, so that they are known at once."""
        if self.service is not None:
            self.service.background_jobs.articles.wake()

    def rules_changed(self) -> None:
        """Adopt changed rules now; other processes do so within a second."""
        if self.service is not None:
            self.service.live.refresh_rules(self.clock.next())


@contextmanager
def opened_application(settings: Settings) -> Iterator[Application]:
    """Open the application of a command, and close its database at the end.

    Raises:
        StoreError: the database is unavailable.
    """
    with opened(settings.database_url) as database:
        clock = Clock()
        yield Application(
            database=database,
            settings=settings,
            encoder=lazy.LazyEncoder(settings),
            writer=LogWriter(database, clock),
            clock=clock,
        )
