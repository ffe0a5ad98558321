"""What a reader attends to: their taste for categories, and the weights of their past reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.domain import RankRequest
from recsys.feed.engine import FeedEngine
from recsys.insight.category_affinity import category_affinities
from recsys.ranking.ranking_context import RankingContext
from recsys.state.vocabulary import Vocabulary
from recsys.user_model.matcher import ReadHistory


def attention_profile(engine: FeedEngine, reader: str, as_of: int) -> dict[str, Any]:
    """Past reads of `reader` by what the interest model makes of them, heaviest first, and their sums. JSON-able.

    Categories are weighed by taste (`insight.category_affinity`), sources by reads; weights sum to 1. Reads of articles without
    a vector weigh nothing and are left out.

    Raises:
        RequestError: `as_of` lies before what the state already knows.
    """
    prepared = engine.prepare(RankRequest("profile", as_of, (), reader))
    reads, history = prepared.reads, prepared.context.history
    rows = history.article[prepared.read_places]
    opened = history.opened[prepared.read_places]
    weights = _weights(engine, reads, as_of)
    catalog = engine.state.catalog
    order = np.argsort(-weights, kind="stable")
    return {
        "reader": reader,
        "model": engine.model,
        "as_of": as_of,
        "categories": _summed(catalog.categories, *_affinities(engine, prepared.context)),
        "sources": _summed(catalog.sources, catalog.source[rows], weights),
        "reads": [
            {
                "article": engine.state.articles.strings[rows[place]],
                "title": catalog.titles[rows[place]],
                "category": _name(catalog.categories, catalog.category[rows[place]]),
                "source": _name(catalog.sources, catalog.source[rows[place]]),
                "at": int(opened[place]),
                "seconds": _known(reads.seconds[place]),
                "quantile": _known(reads.quantile[place]),
                "weight": float(weights[place]),
            }
            for place in order.tolist()
        ],
    }


def _affinities(engine: FeedEngine, context: RankingContext) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Categories [k] and their shares [k]: of clicks, if all were shown alike."""
    categories, affinities = category_affinities(
        engine.state, context.reader, context.history.article, context.as_of
    )
    return categories, affinities / max(float(affinities.sum()), 1e-9)


def _weights(engine: FeedEngine, reads: ReadHistory, as_of: int) -> NDArray[np.float64]:
    """Attention of each read [h]: it does not depend on the candidate, so any one will do."""
    if not len(reads):
        return np.zeros(0)
    return np.asarray(engine.matcher.match(reads, reads.vectors[:1], as_of).attention, dtype=np.float64)


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
