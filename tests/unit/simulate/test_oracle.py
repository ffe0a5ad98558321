"""The oracle answers the questions of a replay with what drives the readers of its world."""

import numpy as np
import pytest

from recsys.domain import RankRequest, Slate
from recsys.errors import RequestError
from recsys.evaluation.systems import PreparedQuery
from recsys.feed.engine import FeedEngine
from recsys.projection.vector_table import VectorTable
from recsys.simulate.oracle import oracle_of
from recsys.simulate.world import World, oracle_scores, simulate
from recsys.state.live_state import LiveState


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(readers=5, articles=60, days=2)


def requested(world: World, reader: str | None) -> PreparedQuery:
    candidates = tuple(world.slates["candidates"][0])
    request = RankRequest(request_id="q", as_of=int(world.slates["at"][0]), candidates=candidates, reader=reader)
    prepared = FeedEngine(state=LiveState(), vectors=VectorTable()).prepare(request)
    return PreparedQuery(request, *prepared, np.zeros((len(candidates), 1)))


def test_it_scores_the_candidates_of_the_request_for_its_reader_at_its_time(world: World) -> None:
    reader = str(world.slates["reader"][0])
    question = requested(world, reader)
    request = question.request
    slate = Slate(id="q", reader=reader, at=request.as_of, known_at=request.as_of, candidates=request.candidates)
    np.testing.assert_array_equal(oracle_of(world)([question]), oracle_scores(world, slate))


@pytest.mark.parametrize("reader", ["nobody", None])
def test_it_refuses_a_reader_who_is_not_of_its_world(world: World, reader: str | None) -> None:
    with pytest.raises(RequestError, match="not part of this world"):
        oracle_of(world)([requested(world, reader)])
