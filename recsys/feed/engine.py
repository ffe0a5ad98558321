"""The feed engine: the only place that wires state, vectors, interest, features, ranking and composition.

Serving, training and evaluation ask the same engine the same questions. It changes nothing: state is changed by
the fold alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest, RankedItem, Ranking, RankRequest, Reason
from recsys.errors import RequestError
from recsys.feed.candidates import EXPLORE, Asked, Candidates, retrieve
from recsys.feed.compose import compose
from recsys.feed.histories import LENGTH, attended, history_of, reads_of
from recsys.feed.interest import interest_scores
from recsys.feed.reasons import Explainer
from recsys.feed.vectors import VectorTable
from recsys.index.port import VectorIndex
from recsys.preference.content import ContentMatcher
from recsys.preference.match import Matcher, Reads
from recsys.reranker.context import FloatArray, RankingContext
from recsys.reranker.features.schema import ALL_FEATURES
from recsys.reranker.ranker import Ranker
from recsys.reranker.starting import StartingRanker
from recsys.state.live import LiveState

STARTING = "starting"
"""Model version of an engine that nothing was trained for."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with everything that rankers and explanations need."""

    context: RankingContext
    features: FloatArray
    reads: Reads
    read_places: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FeedEngine:
    """Answers requests from a state.

    Attributes:
        state: the fold of the log; kept up to date by whoever owns the engine.
        vectors: article vectors by the state's dense ids.
        matcher: the interest model.
        ranker: features → score.
        feed_ranker: the same for candidates that retrieval brought together; None for `ranker` again.
        index: for retrieval; an engine that only ranks needs none.
        model: version that answers are labelled with.
        pool: candidates ranked for one feed.
        max_age: days; older articles are not retrieved.
        touched: all ids a reader ever had before a time; asked when a history ring has overflowed.
    """

    state: LiveState
    vectors: VectorTable
    matcher: Matcher = field(default_factory=ContentMatcher)
    ranker: Ranker = field(default_factory=StartingRanker)
    feed_ranker: Ranker | None = None
    index: VectorIndex | None = None
    model: str = STARTING
    pool: int = 300
    max_age: float = float("inf")
    touched: Callable[[str, int], set[str]] | None = None

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Order the candidates of `request`, best first; equal scores keep the order of their ids.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        prepared = self.prepare(request)
        scores = self.ranker.score(prepared.features)
        order = _best_first(scores, request.candidates)
        reasons = self._reasons(prepared, order, ["request"] * len(order), explain)
        items = tuple(
            RankedItem(request.candidates[place], float(scores[place]), position, reasons=why)
            for position, (place, why) in enumerate(zip(order, reasons, strict=True))
        )
        return Ranking(request.request_id, self.model, request.as_of, items)

    def recommend(self, request: FeedRequest) -> Ranking:
        """Retrieve, rank and compose a slate.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        rng = seeded_by(request.request_id)
        found = self._candidates(request, rng)
        strings = self.state.articles.strings
        ids = tuple(strings[row] for row in found.rows)
        asked = RankRequest(
            request.request_id, request.as_of, ids, request.reader, device=request.device, page=request.page
        )
        prepared = self.prepare(asked)
        scores = (self.feed_ranker or self.ranker).score(prepared.features) if ids else np.zeros(0)
        categories = self.state.catalog.category[found.rows]
        slate = compose(scores, categories, request.limit, request.explore, rng)
        explored = zip(slate.places, slate.explored, strict=True)
        sources = [EXPLORE if new else found.sources[place] for place, new in explored]
        reasons = self._reasons(prepared, slate.places, sources, request.explain)
        items = tuple(
            RankedItem(ids[place], float(scores[place]), position, source, propensity, why)
            for position, (place, source, propensity, why) in enumerate(
                zip(slate.places, sources, slate.propensities, reasons, strict=True)
            )
        )
        return Ranking(request.request_id, self.model, request.as_of, items)

    def prepare(self, request: RankRequest, positions: FloatArray | None = None) -> Prepared:
        """Features of `request` as of now. `positions` [n]: only when training on slates that have an order.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        if request.as_of <= self.state.known_at:
            raise RequestError(f"as_of {request.as_of} is not after the newest known row, {self.state.known_at}")
        everything = history_of(self.state, request)
        history = attended(everything)
        reads, places = reads_of(self.state, history, self.vectors, request.as_of)
        rows = self.state.rows_of(request.candidates)
        context = RankingContext(
            state=self.state,
            as_of=request.as_of,
            rows=rows,
            reader=self.state.readers.get(request.reader),
            history=history,
            had=everything.article,
            interest=interest_scores(self.matcher, reads, self.vectors, rows, request.as_of),
            device=request.device,
            page=self.state.articles.get(request.page or None),
            positions=positions,
        )
        return Prepared(context, ALL_FEATURES.compute(context), reads, places)

    def _candidates(self, request: FeedRequest, rng: np.random.Generator) -> Candidates:
        history = attended(self.state.history(request.reader, LENGTH))
        reads, _ = reads_of(self.state, history, self.vectors, request.as_of)
        asked = Asked(request, self._had(request), reads, self.matcher, rng)
        return retrieve(self.state, self.index, asked, self.pool, self.max_age)

    def _had(self, request: FeedRequest) -> NDArray[np.int64]:
        """What the reader clicked, read or hid: of the ring, and what the ring no longer holds from the log."""
        rings, row = self.state.histories.rings, self.state.readers.get(request.reader)
        lately = self.state.history(request.reader, rings.length).article
        if self.touched is None or row < 0 or rings.count(row) <= rings.length:
            return lately
        return np.append(lately, self.state.rows_of(sorted(self.touched(request.reader, request.as_of))))

    def _reasons(
        self, prepared: Prepared, places: Sequence[int], sources: list[str], wanted: bool
    ) -> list[tuple[Reason, ...]]:
        if not wanted:
            return [()] * len(sources)

        explainer = Explainer(
            self.state,
            self.vectors,
            self.matcher,
            prepared.context.history,
            prepared.reads,
            prepared.read_places,
            prepared.context.as_of,
        )
        return explainer.explain(prepared.context.rows[list(places)], sources)


def seeded_by(request_id: str) -> np.random.Generator:
    """The random numbers of a request: the same again when it is replayed."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _best_first(scores: FloatArray, ids: Sequence[str]) -> list[int]:
    return sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))
