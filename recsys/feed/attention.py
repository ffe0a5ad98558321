"""What a reader's attention rests on: which reads carried the match with which articles."""

from typing import Any

import numpy as np

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.histories import outcomes
from recsys.preference.explain import explain
from recsys.preference.match import Reads

_OUTCOMES = {1: "important", 0: "unimportant", -1: None}


def explain_reader(engine: FeedEngine, request: RankRequest) -> dict[str, Any]:
    """By candidate of `request`, best match first, the reads by what the score loses without them. JSON-able.

    Candidates without a vector are left out. No reads, no candidates.

    Raises:
        RequestError: `as_of` lies before what the state already knows.
    """
    prepared = engine.prepare(request)
    reads, places = prepared.reads, prepared.read_places
    rows = engine.state.rows_of(request.candidates)
    known = np.flatnonzero(engine.vectors.has(rows))
    found: list[dict[str, Any]] = []
    if len(reads) and len(known):
        history = prepared.context.history
        why = explain(engine.matcher, reads, engine.vectors.take(rows[known]), request.as_of)
        facts = _facts(engine, history.article[places], reads, outcomes(history, reads, places).tolist())
        gradients, importance = why.gradients, why.importance
        for place in np.argsort(-why.scores, kind="stable").tolist():
            falls = why.falls[place]
            told = [
                {
                    **facts[read],
                    "attention": float(why.attention[read]),
                    "gradient": None if gradients is None else float(gradients[place, read]),
                    "fall": float(falls[read]),
                    "importance": None if importance is None else float(importance[read]),
                }
                for read in np.argsort(-falls, kind="stable").tolist()
            ]
            found.append(
                {**_article(engine, int(rows[known[place]])), "score": float(why.scores[place]), "reads": told}
            )
    return {
        "reader": request.reader,
        "as_of": request.as_of,
        "model": engine.model,
        "noise": reads.noise,
        "candidates": found,
    }


def _article(engine: FeedEngine, row: int) -> dict[str, Any]:
    return {"id": engine.state.articles.strings[row], "title": engine.state.catalog.titles[row]}


def _facts(engine: FeedEngine, rows: Any, reads: Reads, known: list[int]) -> list[dict[str, Any]]:
    """Of each read its article, dwell, quantile and known outcome."""
    return [
        {
            **_article(engine, int(row)),
            "seconds": None if np.isnan(seconds) else float(seconds),
            "quantile": None if np.isnan(quantile) else float(quantile),
            "outcome": _OUTCOMES[outcome],
        }
        for row, seconds, quantile, outcome in zip(rows, reads.seconds, reads.quantile, known, strict=True)
    ]
