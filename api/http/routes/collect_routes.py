"""POST /v1/collect and POST /v1/collect/erase: events of pages, sent by browsers with a site key."""

import logging

from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from api.application import collection, reader_data
from api.application.collection import Collected, PageEvents
from api.http.collect_state import CollectState
from api.http.dependencies import App, PseudonymsDep
from api.http.json_body import body_schema
from api.http.lean_route import lean
from api.http.robots import is_prefetch, is_robot
from api.http.security.auth import actor, token_reader
from api.http.security.site_access import charge_erasure, site_body, site_router
from api.http.site_schemas import CollectEraseIn, CollectIn
from ingest.collected_rows import BOT, PREFETCH, RefusedRow, Sender, sender_of, visitor_of
from ingest.reasons import Problem
from ingest.time_values import UTC_TIMES
from recsys.errors import ConfigError

logger = logging.getLogger(__name__)

_TYPES = ("application/json", "text/plain")
_READABLE = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""Header of answers to pages of other origins; otherwise browsers report an error for a beacon."""

router = site_router("/v1", "collect")


@router.post("/collect", status_code=204, response_class=Response, openapi_extra=body_schema(CollectIn, _TYPES))
@lean
async def collect(request: Request) -> Response:
    """Store events of a page. The answer is empty: metrics count the rows, and reject files keep refused ones.

    A `read` or `scroll` that repeats an id amends it: the largest value wins. Sending an event again changes
    nothing.
    """
    body = site_body(request, CollectIn)
    state = request.app.state
    sender = sender_of(token_reader(request), body.visitor, body.events)
    problem = _unseen(request, sender, len(body.events))
    if problem is None:
        page = PageEvents(body.events, None if body.sent_at is None else UTC_TIMES.micros(body.sent_at))
        found = await collection.collect_events(state.application, page, sender, state.pseudonyms)
    else:
        refused = [RefusedRow(index, event, problem) for index, event in enumerate(body.events)]
        found = Collected(0, 0, refused)
    process: CollectState = state.collect
    process.metrics.note(found)
    if found.refused:
        await run_in_threadpool(_keep, process, found, state.pseudonyms.of(sender.reader))
    return Response(status_code=204, headers=_READABLE)


@router.post(
    "/collect/erase",
    status_code=204,
    response_class=Response,
    dependencies=[Depends(charge_erasure)],
    openapi_extra=body_schema(CollectEraseIn, _TYPES),
)
def erase(request: Request, app: App, pseudonyms: PseudonymsDep) -> Response:
    """Erase a visitor, or the reader of the token, with all data."""
    body = site_body(request, CollectEraseIn)
    raw_id = token_reader(request) or visitor_of(body.visitor or "")
    reader_data.erase_reader(app, pseudonyms.of(raw_id), actor(request), raw_id)
    return Response(status_code=204, headers=_READABLE)


def _unseen(request: Request, sender: Sender, events: int) -> Problem | None:
    """Return the problem of a request that no reader caused."""
    if is_robot(request):
        return BOT
    if is_prefetch(request):
        return PREFETCH
    process: CollectState = request.app.state.collect
    return None if process.people.wait(sender.reader, events) is None else BOT


def _keep(process: CollectState, found: Collected, reader: str) -> None:
    try:
        collection.keep_refused(process.rejects, found.refused, reader)
    except ConfigError as error:  # the other rows are stored, and the page cannot do anything about it
        logger.warning("refused events of a page are not kept: %s", error)
