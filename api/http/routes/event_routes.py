"""POST /v1/events and POST /v1/articles: ingest by HTTP, with the same rules as for files."""

from fastapi import Request, Response

from api.application import ingestion, unknown_names
from api.application.context import Application
from api.application.scopes import Scope
from api.http.dependencies import App
from api.http.json_body import body_schema, json_body
from api.http.lean_route import lean
from api.http.schemas import ArticlesIn, EventsIn, RejectedRow, StoredOut
from api.http.security.auth import secured_router
from ingest.event_rows import Rejected
from ingest.http_ingest import Received

router = secured_router("/v1", "ingest", Scope.WRITE)


@router.post("/events", response_model=StoredOut, openapi_extra=body_schema(EventsIn))
@lean
async def events(request: Request) -> Response:
    """Store events of readers; they count from the next request on. Sending the same id again changes nothing.

    Send an `id` or a time `at` with each event. Without both, the id depends on the time of receipt, so a retry
    counts twice.
    """
    body = await json_body(request, EventsIn)
    state = request.app.state
    app: Application = state.application
    received = await ingestion.receive_events(app, body.events, state.pseudonyms)
    stored = _stored(received, unknown_names.unknown_articles(app, received.articles))
    return Response(stored.model_dump_json(), media_type="application/json")


@router.post("/articles")
def articles(app: App, body: ArticlesIn) -> StoredOut:
    """Store articles. They are encoded in the background and searchable within seconds."""
    return _stored(ingestion.put_articles(app, body.articles), [])


def _stored(received: Received, unknown: list[str]) -> StoredOut:
    return StoredOut(
        accepted=received.accepted,
        duplicates=received.duplicates,
        rejected=[_row(row) for row in received.rejected],
        warnings=[
            *(f"row {row.index}: {row.problem.reason}; stored without it" for row in received.lost),
            *unknown,
        ],
    )


def _row(row: Rejected) -> RejectedRow:
    problem = row.problem
    return RejectedRow(index=row.index, reason=problem.reason, value=problem.value, fix=problem.fix)
