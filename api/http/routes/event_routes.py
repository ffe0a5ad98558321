"""POST /v1/events and POST /v1/articles: ingest by HTTP, with the same rules as for files."""

from api.application import ingestion
from api.application.scopes import Scope
from api.http.dependencies import App, PseudonymsDep
from api.http.schemas import ArticlesIn, EventsIn, RejectedRow, StoredOut
from api.http.security.auth import secured_router
from ingest.http_ingest import Received

router = secured_router("/v1", "ingest", Scope.WRITE)


@router.post("/events")
def events(app: App, pseudonyms: PseudonymsDep, body: EventsIn) -> StoredOut:
    """Store events of readers; they count from the next request on. Sending the same id again changes nothing.

    Send an `id` or a time `at` with each event. Without both, the id depends on the time of receipt, so a retry
    counts twice.
    """
    return _stored(ingestion.append_events(app, body.events, pseudonyms))


@router.post("/articles")
def articles(app: App, body: ArticlesIn) -> StoredOut:
    """Store articles. They are encoded in the background and searchable within seconds."""
    return _stored(ingestion.put_articles(app, body.articles))


def _stored(received: Received) -> StoredOut:
    rejected = [RejectedRow(index=row.index, reason=row.reason) for row in received.rejected]
    return StoredOut(accepted=received.accepted, duplicates=received.duplicates, rejected=rejected)
