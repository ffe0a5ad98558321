"""The feed engine: the only place that wires state, vectors, interest, features, ranking and composition.

Serving, training and evaluation ask the same engine the same questions. It changes nothing: state is changed by
the fold alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest, RankedItem, Ranking, RankRequest, Reason
from recsys.errors import RequestError
from recsys.feed.explanations import Explainer
from recsys.feed.feed_metrics import COMPOSE, EXPLAIN, FEATURES, RANK, RETRIEVE, FeedCounts
from recsys.feed.interest_scores import interest_scores
from recsys.feed.retrieval import EXPLORE, Asked, allowed_for, of_subjects, retrieve
from recsys.feed.selection.caps import caps
from recsys.feed.selection.knapsack import knapsack
from recsys.feed.selection.mmr import best_first, mmr_order
from recsys.feed.selection.quotas import FOCUS_SHARE, FOLLOW_SHARE, Quota, apply_quotas
from recsys.feed.selection.reading_time import expected_minutes
from recsys.feed.selection.remaining_candidates import RemainingCandidates
from recsys.feed.selection.slate_selection import Selection, compose
from recsys.feed.selection.utility import PlattScaling, Utility
from recsys.feed.user_history import history_of, reads_of, without_hidden
from recsys.index.vector_index import VectorIndex
from recsys.projection.vector_table import VectorTable
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.heuristic import HeuristicRanker
from recsys.ranking.ranker import Ranker
from recsys.ranking.ranking_context import FloatArray, RankingContext
from recsys.state.histories import History
from recsys.state.live_state import LiveState
from recsys.store.explicit_preferences import Preferences
from recsys.user_model.content_matcher import ContentMatcher
from recsys.user_model.matcher import Matcher, ReadHistory

UNTRAINED = "starting"
"""Model version of an engine that nothing was trained for."""

MOST_IN_A_SLATE = 100
"""More candidates are no slate that somebody saw: where one stands among them means something else."""

_DIVERSIFIED = 2
"""Places are diversified for so many slates: more than caps can move away."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a reader read. attended: `everything` less what they hid; reads: of that, at its `places` [h]."""

    everything: History
    without_hidden: History
    reads: ReadHistory
    places: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with everything that rankers and explanations need."""

    context: RankingContext
    features: FloatArray
    reads: ReadHistory
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
        pointwise_ranker: the same for more given candidates than a slate holds; None for `feed_ranker` again.
        index: for retrieval; an engine that only ranks needs none.
        model: version that answers are labelled with.
        pool: candidates ranked for one feed.
        max_age: days; older articles are not retrieved.
        worth: score of the ranker of feeds → what an article is worth against its minutes.
        touched: all ids a reader ever had before a time; asked when a history ring has overflowed.
        said: what a reader had said of topics and sources before a time.
        counts: what feeds took and showed.
    """

    state: LiveState
    vectors: VectorTable
    matcher: Matcher = field(default_factory=ContentMatcher)
    ranker: Ranker = field(default_factory=HeuristicRanker)
    feed_ranker: Ranker | None = None
    pointwise_ranker: Ranker | None = None
    index: VectorIndex | None = None
    model: str = UNTRAINED
    pool: int = 300
    max_age: float = float("inf")
    utility: Utility = field(default_factory=PlattScaling)
    seen_articles: Callable[[str, int], set[str]] | None = None
    said: Callable[[str, int], Preferences] | None = None
    counts: FeedCounts = field(default_factory=FeedCounts)

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Order the candidates of `request`, best first; equal scores keep the order of their ids.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        past = self._past(request)
        chosen = (
            self.ranker if len(request.candidates) <= MOST_IN_A_SLATE else self.pointwise_ranker or self._pointwise
        )
        prepared = self.prepare(request, past=past, listwise=chosen.listwise)
        scores = chosen.score(prepared.features)
        order = _best_first(scores, request.candidates)
        sources = ["request"] * len(order)
        reasons = self._reasons(past, request.as_of, prepared.context.rows[order], sources, explain)
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
        return self.page(request)[0]

    def page(
        self, request: FeedRequest, rest: RemainingCandidates | None = None
    ) -> tuple[Ranking, RemainingCandidates]:
        """A slate, and what it left: from fresh candidates, or going on with the `rest` of an earlier page.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        rng = seeded_by(request.request_id)
        of_reader = RankRequest(
            request.request_id,
            request.as_of,
            (),
            request.reader,
            request.history,
            request.device,
            request.page,
        )
        self._check(request.as_of)
        past = self._past(of_reader)
        asked = self._asked(request, past, rng)
        if rest is None:
            rest = self._ranked(of_reader, asked, past)
        else:
            still = allowed_for(self.state, asked, self.max_age)[self.state.rows_of(rest.ids)]
            rest = rest.at(np.flatnonzero(still).tolist())
            if rest.model != self.model:  # no page mixes two models: this one ranks what the other has left
                rest = self._scored(of_reader, rest.ids, rest.sources, past)
        with self.counts.times.timed(COMPOSE):
            slate = self._composed(request, rest, past, asked.said, rng)
        ranking = self._slate(request, rest.at(slate.places), past, asked.wanted, slate)
        self.counts.shown.update(item.source for item in ranking.items)
        return ranking, rest.without(slate.places)

    def prepare(
        self,
        request: RankRequest,
        positions: FloatArray | None = None,
        past: Past | None = None,
        listwise: bool = True,
    ) -> Prepared:
        """Features of `request` as of now.

        `positions` [n]: only when training on slates that have an order; `past`: the reader's, if at hand;
        `listwise`: see `RankingContext`.

        Raises:
            RequestError: `as_of` lies before what the state already knows.
        """
        self._check(request.as_of)
        past = past or self._past(request)
        rows = self.state.rows_of(request.candidates)
        context = RankingContext(
            state=self.state,
            as_of=request.as_of,
            rows=rows,
            reader=self.state.readers.get(request.reader),
            history=past.without_hidden,
            had=past.everything.article,
            interest=interest_scores(self.matcher, past.reads, self.vectors, rows, request.as_of),
            device=request.device,
            page=self.state.articles.get(request.page or None),
            positions=positions,
            listwise=listwise,
        )
        return Prepared(context, ALL_FEATURES.compute(context), past.reads, past.places)

    def _check(self, as_of: int) -> None:
        if as_of <= self.state.known_at:
            raise RequestError(f"as_of {as_of} is not after the newest known row, {self.state.known_at}")

    def _past(self, request: RankRequest) -> Past:
        everything = history_of(self.state, request)
        history = without_hidden(everything)
        return Past(everything, history, *reads_of(self.state, history, self.vectors, request.as_of))

    @property
    def _pointwise(self) -> Ranker:
        """What ranks candidates that nobody ever saw side by side."""
        return self.feed_ranker or self.ranker

    def _ranked(self, request: RankRequest, asked: Asked, past: Past) -> RemainingCandidates:
        """Candidates for `request`, with their scores."""
        with self.counts.times.timed(RETRIEVE):
            found = retrieve(self.state, self.index, asked, self.pool, self.max_age)
            ids = tuple(map(self.state.articles.strings.__getitem__, found.rows.tolist()))
        self.counts.candidates.update(found.sources)
        return self._scored(request, ids, found.sources, past)

    def _scored(
        self, request: RankRequest, ids: tuple[str, ...], sources: Sequence[str], past: Past
    ) -> RemainingCandidates:
        timed, ranker = self.counts.times.timed, self._pointwise
        with timed(FEATURES):
            prepared = self.prepare(replace(request, candidates=ids), past=past, listwise=ranker.listwise)
        with timed(RANK):
            scores = ranker.score(prepared.features) if ids else np.zeros(0)
        return RemainingCandidates(self.model, ids, tuple(scores.tolist()), tuple(sources))

    def _composed(
        self,
        request: FeedRequest,
        ranked: RemainingCandidates,
        past: Past,
        said: Preferences,
        rng: np.random.Generator,
    ) -> Selection:
        """A slate within the caps, with what was promised to the reader.

        With a budget of minutes, of the articles worth most that fit, unexplored and without promises.
        """
        rows, scores = self.state.rows_of(ranked.ids), np.asarray(ranked.scores)
        if request.minutes is not None:
            minutes = expected_minutes(self.state, rows, request.as_of)
            chosen = knapsack(self.utility(scores), minutes, request.minutes, request.limit)
            return Selection.certain(chosen[best_first(scores[chosen])].tolist())
        vectors = self.vectors.of(rows) if request.diversity else np.zeros((len(rows), 0), dtype=np.float32)
        order = mmr_order(scores, vectors, request.diversity, _DIVERSIFIED * request.limit)
        quotas = [
            Quota(of_subjects(self.state.catalog, subjects, rows), share)
            for subjects, share in ((said.focus, FOCUS_SHARE), (said.follow, FOLLOW_SHARE))
            if subjects
        ]
        within_quota = np.any([quota.wanted for quota in quotas], axis=0) if quotas else None
        limits = caps(self.state.catalog, rows, past.without_hidden.article, within_quota)
        order = apply_quotas(order, quotas)
        return compose(order, limits, request.limit, request.explore, rng)

    def _slate(
        self,
        request: FeedRequest,
        chosen: RemainingCandidates,
        past: Past,
        wanted: frozenset[str],
        slate: Selection,
    ) -> Ranking:
        """The chosen articles with what is to be told of them."""
        rows = self.state.rows_of(chosen.ids)
        sources = [EXPLORE if new else source for source, new in zip(chosen.sources, slate.explored, strict=True)]
        with self.counts.times.timed(EXPLAIN):
            reasons = self._reasons(past, request.as_of, rows, sources, request.explain, wanted)
        told = zip(
            chosen.ids,
            chosen.scores,
            range(len(chosen)),
            sources,
            slate.propensities,
            reasons,
            expected_minutes(self.state, rows, request.as_of).tolist(),
            strict=True,
        )
        return Ranking(request.request_id, self.model, request.as_of, tuple(RankedItem(*each) for each in told))

    def _asked(self, request: FeedRequest, past: Past, rng: np.random.Generator) -> Asked:
        said = Preferences() if self.said is None else self.said(request.reader, request.as_of)
        return Asked(request, self._had(request), past.reads, self.matcher, rng, said)

    def _had(self, request: FeedRequest) -> NDArray[np.int64]:
        """What the reader clicked, read or hid: of the ring, and what the ring no longer holds from the log."""
        rings, row = self.state.histories.rings, self.state.readers.get(request.reader)
        lately = self.state.history(request.reader, rings.length).article
        if self.seen_articles is None or row < 0 or rings.count(row) <= rings.length:
            return lately
        return np.append(lately, self.state.rows_of(sorted(self.seen_articles(request.reader, request.as_of))))

    def _reasons(
        self,
        past: Past,
        as_of: int,
        rows: NDArray[np.int64],
        sources: list[str],
        explain: bool,
        wanted: frozenset[str] = frozenset(),
    ) -> list[tuple[Reason, ...]]:
        if not explain:
            return [()] * len(sources)
        explainer = Explainer(
            self.state, self.vectors, self.matcher, past.without_hidden, past.reads, past.places, as_of, wanted
        )
        return explainer.explain(rows, sources)


def seeded_by(request_id: str) -> np.random.Generator:
    """The random numbers of a request: the same again when it is replayed."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))


def _best_first(scores: FloatArray, ids: Sequence[str]) -> list[int]:
    return sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))
