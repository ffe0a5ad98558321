"""Query of a request: the stored facts about its reader, as of the time of the request."""

import hashlib

import numpy as np

from recsys.domain import Preferences, ReaderRequest
from recsys.errors import RequestError
from recsys.feed.user_history import history_of, reads_of, without_hidden
from recsys.projection.vector_table import VectorTable
from recsys.ranking.query import Query
from recsys.ranking.social_circle import circle_of
from recsys.state.live_state import LiveState


def build_query(
    state: LiveState, vectors: VectorTable, request: ReaderRequest, preferences: Preferences | None = None
) -> Query:
    """Resolve `request` against the state.

    Raises:
        RequestError: `as_of` is not later than the newest row in the state.
    """
    if request.as_of <= state.known_at:
        raise RequestError(
            f"as_of {request.as_of} is not later than the newest row, known at {state.known_at}: use a later time"
        )
    whole_history = history_of(state, request)
    history = without_hidden(whole_history)
    reads, read_places = reads_of(state, history, vectors, request.as_of)
    reader = state.readers.get(request.reader)
    return Query(
        request_id=request.request_id,
        as_of=request.as_of,
        reader=reader,
        history=history,
        interactions=whole_history.article,
        reads=reads,
        read_places=read_places,
        device=request.device,
        context_article=state.articles.get(request.page or None),
        preferences=preferences or Preferences(),
        circle=circle_of(state, reader, request.as_of),
    )


def random_numbers(request_id: str) -> np.random.Generator:
    """Return the random generator of a request, seeded by its id: a replay draws the same numbers."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
