"""Orders of slates when headlines of some candidates are damaged: capitals, a cut end, an alert tag.

The articles are the same, so a slate should nearly keep its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.encoder.article_text import article_texts
from recsys.encoder.body_reading import reads_bodies
from recsys.encoder.protocols import Encoder
from recsys.errors import EncoderError
from recsys.evaluation.behaviour.behaviour_check import BehaviourCheck, passing
from recsys.evaluation.behaviour.compared_orders import ComparedOrders
from recsys.evaluation.labelled_slates import LabelledRequest
from recsys.feed.engine import FeedEngine
from recsys.ranking.query import Candidates, Query
from recsys.ranking.ranker import Ranker

NAME = "damaged headlines"
MOST_ARTICLES, MOST_SLATES, LEAST_SLATES = 60, 100, 10


@dataclass(frozen=True, slots=True, eq=False)
class DamagedArticles:
    """Ids of articles (n), and the raw vectors [n, d] of them with damaged headlines.

    missing: why there is none although there are articles, as a sentence; empty otherwise.
    """

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    missing: str = ""

    @classmethod
    def none(cls, missing: str = "") -> "DamagedArticles":
        """Return no article; `missing`: why, as a sentence."""
        return cls((), np.zeros((0, 0), dtype=np.float32), missing)


def damaged_articles(encoder: Encoder, articles: pl.DataFrame, since: int) -> DamagedArticles:
    """Encode some of `articles`, published from `since` on (microseconds), with damaged headlines.

    Without the model of the encoder there is none: all else can be evaluated from stored vectors.

    articles: columns of `frames.ARTICLES`.
    """
    recent = np.flatnonzero((articles["published_at"].fill_null(0) >= since).to_numpy())
    rows = recent[:: max(len(recent) // MOST_ARTICLES, 1)][:MOST_ARTICLES]
    if not len(rows):
        return DamagedArticles.none()
    chosen = articles[rows]
    titles = [damaged(title, number) for number, title in enumerate(chosen["title"].to_list())]
    changed_titles = chosen.with_columns(title=pl.Series(titles, dtype=pl.String))
    texts = article_texts(changed_titles, reads_bodies(encoder.name))
    try:
        vectors = encoder.encode(texts).vectors[encoder.name]
    except EncoderError as error:
        return DamagedArticles.none(f"Damaged headlines cannot be encoded: {error}.")
    return DamagedArticles(chosen["id"].to_list(), vectors)


def damaged(title: str, number: int) -> str:
    """Return a title with one of three kinds of damage, in turn by `number`."""
    words = title.split()
    kinds = (title.upper() + " !!!", " ".join(words[: (len(words) + 1) // 2]) + " …", f"BREAKING | {title}")
    return kinds[number % len(kinds)]


@dataclass(frozen=True, slots=True)
class DamagedOrders:
    """Orders of slates with damaged headlines, the first `MOST_SLATES` of them, of up to `articles` articles.

    missing: see `DamagedArticles`.
    """

    articles: int
    missing: str = ""
    slates: ComparedOrders = field(default_factory=ComparedOrders)

    def then(self, later: "DamagedOrders") -> "DamagedOrders":
        """Return these slates and `later` ones."""
        return replace(self, slates=self.slates.then(later.slates).first(MOST_SLATES))

    def check(self, ranker: Ranker, limit: float) -> BehaviourCheck:
        """Return the agreement of the orders by the scores of `ranker`."""
        if len(self.slates) < LEAST_SLATES:
            few = f"Fewer than {LEAST_SLATES} lists with an article of these days, of readers with history."
            return BehaviourCheck.unknown(NAME, limit, self.missing or few)
        agreed = self.slates.agreement(ranker)
        sentence = (
            f"With damaged headlines of up to {self.articles} articles, lists keep their order "
            f"to {agreed:.2f} (1: the same order; at least {limit:g})."
        )
        parts = {"lists": len(self.slates)}
        return BehaviourCheck(NAME, agreed, limit, passing(agreed >= limit), sentence, parts)


class DamagedHeadlines:
    """Watcher of a replay by `engine`: it prepares slates with a damaged article again, with its other vectors.

    Attributes:
        orders: the orders so far.
    """

    def __init__(self, engine: FeedEngine, damaged: DamagedArticles) -> None:
        # stories stay those of the undamaged texts: only the vectors change
        vectors = engine.vectors.copy()
        vectors.put(engine.state.articles.lookup(damaged.ids), damaged.vectors)
        self._engine = replace(engine, vectors=vectors)
        self._articles = frozenset(damaged.ids)
        self.orders = DamagedOrders(len(self._articles), damaged.missing)

    def add(self, labelled_request: LabelledRequest, query: Query, candidates: Candidates) -> None:
        """Prepare one slate; the state of the engine must be that of its time."""
        request = labelled_request.request
        if (
            len(self.orders.slates) == MOST_SLATES
            or not len(query.reads)
            or self._articles.isdisjoint(request.candidates)
        ):
            return
        after = self._engine.prepare(request)[1].features
        assert candidates.features is not None and after is not None
        self.orders.slates.add(candidates.features, after)
