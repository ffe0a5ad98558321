"""Going on with a feed: what its first page left is kept for half an hour, for every process to read."""

import json
import secrets
from dataclasses import asdict, dataclass

from recsys.domain import MINUTE, FeedRequest, Ranking, Slate
from recsys.errors import RequestError
from recsys.feed.selection.remaining_candidates import RemainingCandidates
from recsys.store import feed_cursors
from recsys.store.database import Connection
from recsys.store.feed_cursors import StoredPage

LIFETIME = 30 * MINUTE

_OWN = ("request_id", "as_of", "reader")
"""Of a request what every page has for itself."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of a feed. `cursor` asks for the next one; None: there is none."""

    ranking: Ranking
    cursor: str | None


def keep(connection: Connection, request: FeedRequest, rest: RemainingCandidates) -> str | None:
    """Keep what a page left over; returns the cursor to it, None if nothing is left.

    A budget of minutes is spent by one page.
    """
    if not rest or request.minutes is not None:
        return None
    told = {name: value for name, value in asdict(request).items() if name not in _OWN}
    page = StoredPage(
        cursor=secrets.token_urlsafe(16),
        reader=request.reader,
        expires_at=request.as_of + LIFETIME,
        request=json.dumps({**told, "exclude": sorted(request.exclude)}),
        rest=rest.to_json(),
    )
    feed_cursors.save(connection, page)
    return page.cursor


def go_on(connection: Connection, request: FeedRequest, cursor: str) -> tuple[FeedRequest, RemainingCandidates]:
    """The request that the first page was asked with, as it stands now, and what is left.

    Raises:
        RequestError: there is no such cursor of this reader, it has expired, or another version kept it.
    """
    page = feed_cursors.load(connection, cursor, request.reader, request.as_of)
    if page is None:
        raise RequestError("this cursor is unknown or has expired: request the first page again")
    own = {name: getattr(request, name) for name in _OWN}
    try:
        told = json.loads(page.request)
        asked = FeedRequest(**own, **{**told, "exclude": frozenset(told["exclude"])})
        return asked, RemainingCandidates.from_json(page.rest)
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError("this cursor is of another version: request the first page again") from error


def slate_of(request: FeedRequest, ranking: Ranking, known_at: int) -> Slate:
    """Return `ranking`, shown in answer to `request`, as a slate of the log; known_at: microseconds."""
    return Slate(
        id=request.request_id,
        reader=request.reader,
        at=request.as_of,
        known_at=known_at,
        candidates=tuple(item.id for item in ranking.items),
        ordered=True,
        scores=tuple(item.score for item in ranking.items),
        propensities=tuple(item.propensity for item in ranking.items),
        model=ranking.model,
        session=request.session,
        device=request.device,
        page=request.page,
    )
