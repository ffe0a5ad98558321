"""POST /v1/events and POST /v1/articles: the same ingest job as for files."""

from api.http.dependencies import Service
from api.http.reader_id_params import PseudonymsDep
from api.http.schemas import ArticlesIn, EventsIn, RejectedRow, StoredOut
from api.http.security.auth import secured_router
from api.http.security.scopes import Scope
from ingest.http_ingest import Received, store_articles, store_events

router = secured_router("/v1", "ingest", Scope.WRITE)


@router.post("/events")
def events(service: Service, pseudonyms: PseudonymsDep, body: EventsIn) -> StoredOut:
    """Store what readers did; it counts from the next request on. Sending an id again changes nothing.

    Send an `id` (or `at`) with each event, or a retry counts again: without either, an event is named by what it
    says and when it came.
    """
    clock = service.clock

    def write() -> Received:
        return store_events(service.database, body.events, clock.next(), clock.next, pseudonyms)

    return _stored(service.store(write))


@router.post("/articles")
def articles(service: Service, body: ArticlesIn) -> StoredOut:
    """Store articles; they are embedded in the background and searchable within seconds."""
    received = store_articles(service.database, body.articles, service.clock.next())
    service.articles_changed()
    return _stored(received)


def _stored(received: Received) -> StoredOut:
    rejected = [RejectedRow(index=row.index, reason=row.reason) for row in received.rejected]
    return StoredOut(accepted=received.accepted, duplicates=received.duplicates, rejected=rejected)
