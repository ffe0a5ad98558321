"""Oracle as a row of the results table, scored on the same requests as every other system."""

from recsys.domain import Slate
from recsys.evaluation.systems import PreparedQuery, Scorer, one_by_one
from recsys.ranking.query import FloatArray
from recsys.simulate.world import World, oracle_scores

ORACLE = "oracle"


def oracle_of(world: World) -> Scorer:
    """Return a scorer that knows the click model of `world`; it raises RequestError for unknown readers."""

    def score(query: PreparedQuery) -> FloatArray:
        request = query.request
        slate = Slate(
            id=request.request_id,
            reader=request.reader or "",
            at=request.as_of,
            known_at=request.as_of,
            candidates=request.candidates,
        )
        return oracle_scores(world, slate)

    return one_by_one(score)
