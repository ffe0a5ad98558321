"""What a reader's attention rests on: which reads carried the match with which articles."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.user_history import outcomes
from recsys.ranking.query import Query
from recsys.user_model.match_explanation import Explanation, explain

_OUTCOMES = {1: "important", 0: "unimportant", -1: None}


def explain_reader(engine: FeedEngine, request: RankRequest) -> dict[str, Any]:
    """By candidate of `request`, best match first, the reads by what the score loses without them. JSON-able.

    Candidates without a vector are left out; without reads all are. `gradient` and `importance` are None before a
    network was trained.

    Raises:
        RequestError: `as_of` lies before what the state already knows.
    """
    query, candidates = engine.prepare(request)
    return {
        "reader": request.reader,
        "as_of": request.as_of,
        "model": engine.models.version,
        "noise": query.reads.noise,
        "candidates": _candidates(engine, query, candidates.rows),
    }


def _candidates(engine: FeedEngine, query: Query, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    rows = rows[engine.vectors.has(rows)]
    if not len(query.reads) or not len(rows):
        return []
    why = explain(engine.models.matcher, query.reads, engine.vectors.take(rows), query.as_of)
    facts = _facts(engine, query)
    return [
        {
            **_article(engine, int(rows[place])),
            "score": float(why.scores[place]),
            "reads": _reads(why, place, facts),
        }
        for place in np.argsort(-why.scores, kind="stable").tolist()
    ]


def _reads(why: Explanation, place: int, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each read did for the candidate at `place`, what mattered most first."""
    gradients, importance = why.gradients, why.importance
    return [
        {
            **facts[read],
            "attention": float(why.attention[read]),
            "gradient": None if gradients is None else float(gradients[place, read]),
            "fall": float(why.falls[place, read]),
            "importance": None if importance is None else float(importance[read]),
        }
        for read in np.argsort(-why.falls[place], kind="stable").tolist()
    ]


def _facts(engine: FeedEngine, query: Query) -> list[dict[str, Any]]:
    """Of each read its article, dwell, quantile and known outcome."""
    reads, history, places = query.reads, query.history, query.read_places
    known = zip(
        history.article[places].tolist(),
        reads.seconds.tolist(),
        reads.quantile.tolist(),
        outcomes(history, reads, places).tolist(),
        strict=True,
    )
    return [
        {
            **_article(engine, row),
            "seconds": None if np.isnan(seconds) else seconds,
            "quantile": None if np.isnan(quantile) else quantile,
            "outcome": _OUTCOMES[outcome],
        }
        for row, seconds, quantile, outcome in known
    ]


def _article(engine: FeedEngine, row: int) -> dict[str, Any]:
    return {"id": engine.state.articles.strings[row], "title": engine.state.catalog.titles[row]}
