"""Attention profile of a reader: category affinities, and the weights of past reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import ReaderRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.past_actions import action_of
from recsys.feed.query_builder import build_query
from recsys.insight.category_affinity import category_affinities
from recsys.ranking.query import Query
from recsys.state.vocabulary import Vocabulary
from recsys.user_model.matcher import ReadHistory

MOST_ENTITIES_SHOWN = 10


def attention_profile(engine: FeedEngine, reader: str, as_of: int) -> dict[str, Any]:
    """Return the past reads of `reader` by attention weight, largest first, and sums by group. JSON-able.

    Categories are weighted by affinity (`insight.category_affinity`), sources by reads; weights sum to 1. The
    weight of an entity is that of all reads that name it; at most `MOST_ENTITIES_SHOWN` are named. Reads of
    articles without a vector have no weight and are left out.

    Raises:
        RequestError: `as_of` is not later than the newest row in the state.
    """
    request = ReaderRequest(request_id="profile", as_of=as_of, reader=reader)
    query = build_query(engine.state, engine.vectors, request)
    reads, history = query.reads, query.history
    rows = history.article[query.read_places]
    opened = history.opened[query.read_places]
    weights = _weights(engine, reads, as_of)
    catalog = engine.state.catalog
    order = np.argsort(-weights, kind="stable")
    return {
        "reader": reader,
        "model": engine.models.version,
        "as_of": as_of,
        "categories": _summed(catalog.categories, *_affinities(engine, query)),
        "sources": _summed(catalog.sources, catalog.source[rows], weights),
        "entities": _summed(
            catalog.entities, catalog.entity[rows].ravel(), np.repeat(weights, catalog.entity.shape[1])
        )[:MOST_ENTITIES_SHOWN],
        "reads": [
            {
                "article": engine.state.articles.strings[rows[place]],
                "title": catalog.titles[rows[place]],
                "category": _name(catalog.categories, catalog.category[rows[place]]),
                "source": _name(catalog.sources, catalog.source[rows[place]]),
                "at": int(opened[place]),
                "action": str(action_of(history, int(query.read_places[place]))),
                "seconds": _known(reads.seconds[place]),
                "quantile": _known(reads.quantile[place]),
                "weight": float(weights[place]),
            }
            for place in order.tolist()
        ],
    }


def _affinities(engine: FeedEngine, query: Query) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return categories [k] and their shares [k] of clicks, if all categories were shown equally."""
    categories, affinities = category_affinities(engine.state, query.reader, query.history.article, query.as_of)
    return categories, affinities / max(float(affinities.sum()), 1e-9)


def _weights(engine: FeedEngine, reads: ReadHistory, as_of: int) -> NDArray[np.float64]:
    """Return the attention of each read [h]; it does not depend on the candidate, so any one is used."""
    if not len(reads):
        return np.zeros(0)
    return np.asarray(engine.models.matcher.match(reads, reads.vectors[:1], as_of).attention, dtype=np.float64)


def _summed(
    names: Vocabulary, codes: NDArray[np.integer], weights: NDArray[np.float64]
) -> Sequence[dict[str, Any]]:
    known = codes >= 0
    sums = np.bincount(codes[known], weights[known], minlength=len(names))
    order = [code for code in np.argsort(-sums, kind="stable").tolist() if sums[code] > 0]
    return [{"name": names.strings[code], "weight": float(sums[code])} for code in order]


def _name(names: Vocabulary, code: int) -> str | None:
    return names.strings[code] if code >= 0 else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
