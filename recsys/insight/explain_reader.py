"""Explanation of a reader's match scores by the reader's past reads."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.past_actions import action_of
from recsys.feed.user_history import outcomes
from recsys.ranking.query import Query
from recsys.user_model.match_explanation import Explanation, explain

_OUTCOMES = {1: "important", 0: "unimportant", -1: None}


def explain_reader(engine: FeedEngine, request: RankRequest) -> dict[str, Any]:
    """Return, per candidate of `request`, best match first, the reads and the score lost without each. JSON-able.

    Candidates without a vector are left out; without reads, all candidates are. `gradient` and `importance` are
    None without a trained network.

    Raises:
        RequestError: `as_of` is not later than the newest row in the state.
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
    explanation = explain(engine.models.matcher, query.reads, engine.vectors.take(rows), query.as_of)
    facts = _facts(engine, query)
    return [
        {
            **_article(engine, int(rows[place])),
            "score": float(explanation.scores[place]),
            "reads": _reads(explanation, place, facts),
        }
        for place in np.argsort(-explanation.scores, kind="stable").tolist()
    ]


def _reads(explanation: Explanation, place: int, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the effect of each read on the candidate at `place`, largest first."""
    gradients, importance = explanation.gradients, explanation.importance
    return [
        {
            **facts[read],
            "attention": float(explanation.attention[read]),
            "gradient": None if gradients is None else float(gradients[place, read]),
            "fall": float(explanation.falls[place, read]),
            "importance": None if importance is None else float(importance[read]),
        }
        for read in np.argsort(-explanation.falls[place], kind="stable").tolist()
    ]


def _facts(engine: FeedEngine, query: Query) -> list[dict[str, Any]]:
    """Return the article, action, dwell, quantile and known outcome of each read."""
    reads, history, places = query.reads, query.history, query.read_places
    known = zip(
        history.article[places].tolist(),
        [str(action_of(history, place)) for place in places.tolist()],
        reads.seconds.tolist(),
        reads.quantile.tolist(),
        outcomes(history, reads, places).tolist(),
        strict=True,
    )
    return [
        {
            **_article(engine, row),
            "action": action,
            "seconds": None if np.isnan(seconds) else seconds,
            "quantile": None if np.isnan(quantile) else quantile,
            "outcome": _OUTCOMES[outcome],
        }
        for row, action, seconds, quantile, outcome in known
    ]


def _article(engine: FeedEngine, row: int) -> dict[str, Any]:
    return {"id": engine.state.articles.strings[row], "title": engine.state.catalog.titles[row]}
