"""A feed service inside of a command, for commands that make feeds. It writes the log as servers do."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.application.context import Application
from recsys.cpu_threads import cpu_threads
from recsys.encoder.lazy import LazyEncoder
from recsys.errors import EncoderError
from recsys.serving.feed_service import FeedService
from recsys.settings import Settings
from recsys.store.database import opened

_LOOK_SECONDS = 0.5


@contextmanager
def serving_application(settings: Settings) -> Iterator[Application]:
    """Open the application of a command with a running feed service, once all articles are searchable.

    Raises:
        BundleError: the active bundle cannot be used.
        EncoderError: articles cannot be encoded.
        StoreError: the database is unavailable.
    """
    with opened(settings.database_url) as database, cpu_threads(settings.threads):
        # nobody waits for a command: it folds the log to the end instead of making degraded feeds
        service = FeedService(database, settings, LazyEncoder(settings), fold_patience=None)
        service.start()
        try:
            while not service.ready.wait(_LOOK_SECONDS):
                if service.background_jobs.failure is not None:
                    raise EncoderError(f"log or articles cannot be loaded: {service.background_jobs.failure}")
            yield Application.of(service)
        finally:
            service.stop()
