"""The oracle as a row of the results table, asked the same questions as every other system."""

from recsys.domain import Slate
from recsys.evaluation.systems import PreparedQuery, Scorer, one_by_one
from recsys.ranking.query import FloatArray
from recsys.simulate.world import World, oracle_scores

ORACLE = "oracle"


def oracle_of(world: World) -> Scorer:
    """A scorer that knows what drives the readers of `world`; it raises RequestError for anyone else."""

    def score(asked: PreparedQuery) -> FloatArray:
        request = asked.request
        slate = Slate(
            id=request.request_id,
            reader=request.reader or "",
            at=request.as_of,
            known_at=request.as_of,
            candidates=request.candidates,
        )
        return oracle_scores(world, slate)

    return one_by_one(score)
