"""Orders of slates when headlines of some candidates are damaged: capitals, a cut end, an alert tag.

The articles are the same, so a slate should nearly keep its order.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import article_texts
from recsys.encoder.body_reading import reads_bodies
from recsys.encoder.protocols import Encoder
from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.behaviour.compared_orders import ComparedOrders
from recsys.evaluation.labelled_slates import LabelledRequest
from recsys.feed.engine import FeedEngine
from recsys.ranking.query import Candidates, Query
from recsys.ranking.ranker import Ranker

NAME = "damaged headlines"
MOST_ARTICLES, MOST_SLATES, LEAST_SLATES = 60, 100, 10


def damaged_vectors(
    encoder: Encoder, articles: pl.DataFrame, vectors: NDArray[np.float32], since: int
) -> tuple[NDArray[np.float32], frozenset[str]]:
    """Return `vectors` [n, d] with those of damaged headlines in some rows, and the ids of these articles.

    articles: columns of `frames.ARTICLES`, n rows; since: only articles published from then on, microseconds.
    """
    recent = np.flatnonzero((articles["published_at"].fill_null(0) >= since).to_numpy())
    rows = recent[:: max(len(recent) // MOST_ARTICLES, 1)][:MOST_ARTICLES]
    if not len(rows):
        return vectors, frozenset()
    chosen = articles[rows]
    titles = [damaged(title, number) for number, title in enumerate(chosen["title"].to_list())]
    changed_titles = chosen.with_columns(title=pl.Series(titles, dtype=pl.String))
    texts = article_texts(changed_titles, reads_bodies(encoder.name))
    changed = vectors.copy()
    changed[rows] = encoder.encode(texts).vectors[encoder.name]
    return changed, frozenset(chosen["id"].to_list())


def damaged(title: str, number: int) -> str:
    """Return a title with one of three kinds of damage, in turn by `number`."""
    words = title.split()
    kinds = (title.upper() + " !!!", " ".join(words[: (len(words) + 1) // 2]) + " …", f"BREAKING | {title}")
    return kinds[number % len(kinds)]


class DamagedHeadlines:
    """Watcher of a replay: it prepares slates with a damaged article again, by an engine with its vectors."""

    def __init__(self, engine: FeedEngine, articles: frozenset[str]) -> None:
        self._engine, self._articles = engine, articles
        self._orders = ComparedOrders()

    def add(self, labelled_request: LabelledRequest, query: Query, candidates: Candidates) -> None:
        """Prepare one slate; the state of the engine must be that of its time."""
        request = labelled_request.request
        if (
            len(self._orders) == MOST_SLATES
            or not len(query.reads)
            or self._articles.isdisjoint(request.candidates)
        ):
            return
        after = self._engine.prepare(request)[1].features
        assert candidates.features is not None and after is not None
        self._orders.add(candidates.features, after)

    def check(self, ranker: Ranker, limit: float) -> BehaviourCheck:
        """Return the agreement of the orders by the scores of `ranker`."""
        if len(self._orders) < LEAST_SLATES:
            why = f"Fewer than {LEAST_SLATES} lists with an article of these days, of readers with history."
            return BehaviourCheck.unknown(NAME, limit, why)
        agreed = self._orders.agreement(ranker)
        sentence = (
            f"With damaged headlines of up to {len(self._articles)} articles, lists keep their order "
            f"to {agreed:.2f} (1: the same order; at least {limit:g})."
        )
        return BehaviourCheck(
            NAME, agreed, limit, passing(agreed >= limit), sentence, {"lists": len(self._orders)}
        )
