"""Pagination of feeds: the candidates that a page leaves are stored for half an hour, for all processes."""

import json
import secrets
from dataclasses import asdict, dataclass, fields

from recsys.domain import MINUTE, FeedRequest, Ranking, Slate, models_of
from recsys.errors import RequestError
from recsys.feed.selection.remaining_candidates import RemainingCandidates
from recsys.store import feed_cursors
from recsys.store.database import Connection
from recsys.store.feed_cursors import StoredPage

LIFETIME = 30 * MINUTE

_OWN = ("request_id", "as_of", "reader")
"""Fields of a request that every page sets for itself."""

_SHARED = tuple(field.name for field in fields(FeedRequest) if field.name not in _OWN)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Page of a feed. `cursor` requests the next page; None if there is none."""

    ranking: Ranking
    cursor: str | None


def save_remaining(connection: Connection, request: FeedRequest, remaining: RemainingCandidates) -> str | None:
    """Store the candidates that a page left; return a cursor to them, or None if there are none.

    A budget of minutes is spent by one page.
    """
    if not remaining or request.minutes is not None:
        return None
    shared = {name: getattr(request, name) for name in _SHARED}
    if request.history is not None:
        shared["history"] = [asdict(item) for item in request.history]
    page = StoredPage(
        cursor=secrets.token_urlsafe(16),
        reader=request.reader,
        expires_at=request.as_of + LIFETIME,
        request=json.dumps({**shared, "exclude": sorted(request.exclude)}),
        rest=remaining.to_json(),
    )
    feed_cursors.save(connection, page)
    return page.cursor


def resume(connection: Connection, request: FeedRequest, cursor: str) -> tuple[FeedRequest, RemainingCandidates]:
    """Return the request of the first page, with id, time and reader of this one, and the remaining candidates.

    Raises:
        RequestError: the cursor is unknown for this reader, has expired, or was stored by another version.
    """
    page = feed_cursors.load(connection, cursor, request.reader, request.as_of)
    if page is None:
        raise RequestError("this cursor is unknown or has expired: request the first page again")
    own = {name: getattr(request, name) for name in _OWN}
    try:
        shared = json.loads(page.request)
        # a page of a reader whose subscription has ended since the first page
        shared["free_only"] = shared["free_only"] or request.free_only
        resumed = FeedRequest(**own, **{**shared, "exclude": frozenset(shared["exclude"])})
        return resumed, RemainingCandidates.from_json(page.rest)
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError("this cursor is from another version: request the first page again") from error


def slate_of(request: FeedRequest, ranking: Ranking, known_at: int) -> Slate:
    """Return `ranking`, the answer to `request`, as a slate of the log; known_at: microseconds.

    An interleaved slate has no propensities: they would hold for the draft, and not for either model.
    """
    chances = None if models_of(ranking.model) else tuple(item.propensity for item in ranking.items)
    return Slate(
        id=request.request_id,
        reader=request.reader,
        at=request.as_of,
        known_at=known_at,
        candidates=tuple(item.id for item in ranking.items),
        ordered=True,
        scores=tuple(item.score for item in ranking.items),
        propensities=chances,
        model=ranking.model,
        session=request.session,
        device=request.device,
        page=request.page,
    )
