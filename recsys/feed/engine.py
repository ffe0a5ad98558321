"""Feed engine: query → retrieve → features → score → edit → select → explain → respond.

Serving, training and evaluation use the same engine. It does not change the state: only the fold does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from recsys.domain import FeedRequest, Preferences, RankedItem, Ranking, RankRequest, Reason, Rule
from recsys.editorial.rule_book import RuleBook
from recsys.feed.explanations import Explainer
from recsys.feed.feed_metrics import EDIT, EXPLAIN, FEATURES, RETRIEVE, SCORE, SELECT, FeedMetrics
from recsys.feed.interest_scores import interest_scores
from recsys.feed.page_rules import PageRules, RequestedPage
from recsys.feed.query_builder import build_query, random_numbers
from recsys.feed.reader_lookups import ReaderLookups
from recsys.feed.retrieval import FeedLimits, Retriever, allowed_for, within_reach
from recsys.feed.selection.open_positions import SlatePlan
from recsys.feed.selection.remaining_candidates import RemainingCandidates
from recsys.feed.selection.slate_edits import Edits
from recsys.feed.selection.slate_selection import Selection, Selector
from recsys.index.vector_index import VectorIndex
from recsys.models.model_set import Models
from recsys.projection.vector_table import VectorTable
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import Candidates, FeatureInput, FloatArray, Query
from recsys.ranking.score_scaling import with_log_odds
from recsys.ranking.tie_break import best_first, id_hash
from recsys.state.catalog import NEVER
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds

_MOST_ALSO = 5
"""Other articles of a story that an answer names."""

MAX_SLATE = 100
"""More candidates than this are not a slate that a reader saw: listwise features would not mean the same."""


@dataclass(frozen=True, slots=True)
class FeedSlate:
    """A ranking to show, and the remaining candidates for the next page."""

    ranking: Ranking
    remaining: RemainingCandidates


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEngine:
    """Engine that answers requests from a state.

    Attributes:
        state: fold of the log; the owner of the engine keeps it up to date.
        vectors: article vectors by the state's dense ids.
        models: trained or untrained models.
        index: vector index for retrieval; None without vectors.
        lookups: facts about a reader that only the log has.
        limits: limits of retrieval and exploration.
        metrics: stage times and sources of feeds.
        rules: rules of editors.
    """

    state: LiveState
    vectors: VectorTable
    models: Models = field(default_factory=Models.untrained)
    index: VectorIndex | None = None
    lookups: ReaderLookups = field(default_factory=ReaderLookups)
    limits: FeedLimits = field(default_factory=FeedLimits)
    metrics: FeedMetrics = field(default_factory=FeedMetrics)
    rules: RuleBook = field(default_factory=RuleBook)

    def recommend(self, request: FeedRequest, remaining: RemainingCandidates | None = None) -> FeedSlate:
        """Recommend a slate from new candidates, or from the `remaining` candidates of an earlier page.

        Raises:
            RequestError: `as_of` is not later than the newest row in the state.
        """
        rng = random_numbers(request.request_id)
        page = self._requested_page(request, () if remaining is None else remaining.shown)
        query, rules = page.query, PageRules.of(self.state, self.rules, page)
        if remaining is None:
            candidates = self._retrieve(page, rules, rng)
        else:
            candidates = self._resume(page, rules, remaining)
        if candidates.scores is None:
            candidates = self._score(query, self._add_features(query, candidates))
        with self.metrics.timed(EDIT):
            edited, edits = rules.edit(candidates, self.models.utility)
        selection = self._select(query, request, edited, edits, rng)
        shown = edited.take(selection.places)
        sources = [drawn or source for source, drawn in zip(shown.sources, selection.draws, strict=True)]
        reasons = self._explain_feed(query, request, shown.rows, sources)
        self.metrics.count_shown(sources)
        self.metrics.count_drawn(selection.draws)
        self.metrics.count_new(self.state.available_since(shown.rows), query.as_of)
        ranking = self._respond(request, shown, selection, sources, reasons, rules)
        shown_ids = (*page.shown, *(item.id for item in ranking.items))
        return FeedSlate(ranking, self._remaining(candidates, selection, shown_ids))

    def plan(self, request: FeedRequest) -> tuple[Candidates, SlatePlan]:
        """Return the scored candidates of a first page, with features, and how `recommend` fills the page.

        A budget of minutes is not considered.

        Raises:
            RequestError: `as_of` is not later than the newest row in the state.
        """
        page = self._requested_page(request, ())
        rules = PageRules.of(self.state, self.rules, page)
        retrieved = self._retrieve(page, rules, random_numbers(request.request_id))
        featured = self._add_features(page.query, retrieved)
        edited, edits = rules.edit(self._score(page.query, featured), self.models.utility)
        assert featured.features is not None
        by_row = np.argsort(featured.rows)
        features = featured.features[by_row[np.searchsorted(featured.rows, edited.rows, sorter=by_row)]]
        return replace(edited, features=features), self._selector().plan(page.query, request, edited, edits)

    def rank(self, request: RankRequest, explain: bool = False) -> Ranking:
        """Order the candidates of `request`, best first; `ranking.tie_break` orders equal scores.

        Raises:
            RequestError: `as_of` is not later than the newest row in the state.
        """
        ranker = self.models.listwise if len(request.candidates) <= MAX_SLATE else self.models.pointwise
        query, candidates = self.prepare(request, listwise=ranker.listwise)
        assert candidates.features is not None
        scores = ranker.score(candidates.features)
        order = best_first(scores, candidates.features, id_hash(request.candidates)).tolist()
        sources = ["request"] * len(order)
        reasons = self._explain(query, candidates.rows[order], sources, explain)
        items = tuple(
            RankedItem(request.candidates[place], float(scores[place]), position, reasons=found)
            for position, (place, found) in enumerate(zip(order, reasons, strict=True))
        )
        return Ranking(request.request_id, self.models.version, request.as_of, items)

    def prepare(
        self, request: RankRequest, positions: FloatArray | None = None, listwise: bool = True
    ) -> tuple[Query, Candidates]:
        """Resolve `request` and compute the features of its candidates.

        positions: places [n] in the shown slate, only when training on ordered slates. listwise: see
        `FeatureInput`.

        Raises:
            RequestError: `as_of` is not later than the newest row in the state.
        """
        query = build_query(self.state, self.vectors, request)
        candidates = Candidates(rows=self.state.rows_of(request.candidates), positions=positions)
        return query, self._with_features(query, candidates, listwise)

    def _preferences(self, request: FeedRequest) -> Preferences:
        return self.lookups.preferences(request.reader, request.as_of)

    def _requested_page(self, request: FeedRequest, shown: tuple[str, ...]) -> RequestedPage:
        return RequestedPage(
            query=build_query(self.state, self.vectors, request, self._preferences(request)),
            request=request,
            seen=self.seen_articles(request),
            shown=shown,
            whole_stories=self.limits.whole_stories,
        )

    def _retrieve(self, page: RequestedPage, rules: PageRules, rng: np.random.Generator) -> Candidates:
        with self.metrics.timed(RETRIEVE):
            allowed = self._allowed(page, rules)
            retriever = Retriever(self.state, self.index, self.models.matcher, self.limits.pool)
            candidates = rules.add_candidates(self.state, retriever.retrieve(page.query, allowed, rng), allowed)
        self.metrics.count_candidates(candidates.sources)
        return candidates

    def _resume(self, page: RequestedPage, rules: PageRules, remaining: RemainingCandidates) -> Candidates:
        """Return the remaining candidates that may still be shown, without scores if other models scored them.

        Articles that rules place here are candidates, too.
        """
        rows = self.state.rows_of(remaining.ids)
        candidates = Candidates(rows=rows, sources=remaining.sources, scores=np.asarray(remaining.scores))
        candidates = candidates.take(np.flatnonzero(self._allowed(page, rules)[rows]))
        candidates = rules.without_copies(self.state, candidates)
        new = rules.missing(candidates)
        if remaining.model != self.models.version:  # a page must not mix scores of two models
            candidates = replace(candidates, scores=None)
        elif len(new):
            new = self._score(page.query, self._add_features(page.query, new))
        return candidates.joined(new) if len(new) else candidates

    def _add_features(self, query: Query, candidates: Candidates) -> Candidates:
        with self.metrics.timed(FEATURES):
            return self._with_features(query, candidates, self.models.feed.listwise)

    def _score(self, query: Query, candidates: Candidates) -> Candidates:
        """Return the candidates with scores, best first; scores fade as `models.ages` says."""
        assert candidates.features is not None
        models = self.models
        with self.metrics.timed(SCORE):
            scores = models.feed.score(candidates.features) if len(candidates) else np.zeros(0)
            fading = models.ages.log_odds(self.state, candidates.rows, query.as_of)
            scores = with_log_odds(models.utility, scores, fading)
        hashes = self.state.catalog.tie_break_hash[candidates.rows]
        order = best_first(scores, candidates.features, hashes)  # later stages keep the order of equal scores
        return candidates.scored(scores).take(order)

    def _select(
        self, query: Query, request: FeedRequest, candidates: Candidates, edits: Edits, rng: np.random.Generator
    ) -> Selection:
        with self.metrics.timed(SELECT):
            return self._selector().select(query, request, candidates, rng, edits)

    def _selector(self) -> Selector:
        return Selector(self.state, self.vectors, self.models.utility, self.limits.fresh_share)

    def _explain_feed(
        self, query: Query, request: FeedRequest, rows: NDArray[np.int64], sources: Sequence[str]
    ) -> list[tuple[Reason, ...]]:
        with self.metrics.timed(EXPLAIN):
            return self._explain(query, rows, sources, request.explain)

    def _respond(
        self,
        request: FeedRequest,
        shown: Candidates,
        selection: Selection,
        sources: Sequence[str],
        reasons: Sequence[tuple[Reason, ...]],
        rules: PageRules,
    ) -> Ranking:
        """Build the ranking, with article ids."""
        assert shown.scores is not None
        stories = self._stories(shown.rows, request, rules)
        acting: list[tuple[Rule, ...]] = rules.acting_on(shown.rows)
        items = zip(
            self._ids(shown.rows),
            shown.scores.tolist(),
            range(len(shown)),
            sources,
            selection.propensities,
            reasons,
            (expected_read_seconds(self.state, shown.rows, request.as_of) / 60).tolist(),
            *zip(*stories, strict=True) if stories else ((), ()),
            acting,
            strict=True,
        )
        ranked = tuple(RankedItem(*item) for item in items)
        return Ranking(request.request_id, self.models.version, request.as_of, ranked)

    def _stories(
        self, rows: NDArray[np.int64], request: FeedRequest, rules: PageRules
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Return for each of `rows` [k] the id of its story, that of its first article, and its other articles.

        These are newest first; articles under embargo and banned ones are none of them, nor paid ones if the
        request is for free ones.
        """
        strings = self.state.articles.strings
        shared = self.state.catalog.stories().shared[rows].tolist()
        return [
            self._story(row, request, rules) if has_copies else (strings[row], ())  # nearly every article is alone
            for row, has_copies in zip(rows.tolist(), shared, strict=True)
        ]

    def _story(self, row: int, request: FeedRequest, rules: PageRules) -> tuple[str, tuple[str, ...]]:
        catalog, as_of = self.state.catalog, request.as_of
        others = catalog.stories().copies_of(row)
        embargoed = (catalog.published[others] != NEVER) & (catalog.published[others] >= as_of)
        others = others[catalog.described[others] & ~embargoed & ~np.isin(others, rules.book.banned())]
        if request.free_only:
            others = others[catalog.paid[others] != 1.0]
        if not len(others):
            return self.state.articles.strings[row], ()
        members = np.append(others, row)
        order = np.lexsort((catalog.tie_break_hash[members], catalog.published[members]))
        newest = [member for member in members[order[::-1]].tolist() if member != row]
        return self.state.articles.strings[members[order[0]]], tuple(self._ids(np.asarray(newest[:_MOST_ALSO])))

    def _remaining(
        self, candidates: Candidates, selection: Selection, shown: tuple[str, ...]
    ) -> RemainingCandidates:
        remains = np.ones(len(candidates), dtype=np.bool_)
        remains[[place for place in selection.places if place >= 0]] = False
        left = candidates.take(np.flatnonzero(remains))
        assert left.scores is not None
        return RemainingCandidates(
            self.models.version, tuple(self._ids(left.rows)), tuple(left.scores.tolist()), left.sources, shown
        )

    def _with_features(self, query: Query, candidates: Candidates, listwise: bool) -> Candidates:
        interest = interest_scores(self.models.matcher, self.state, query, self.vectors, candidates.rows)
        candidates = replace(candidates, interest=interest)
        features = ALL_FEATURES.compute(FeatureInput(self.state, query, candidates, listwise))
        return replace(candidates, features=features)

    def _allowed(self, page: RequestedPage, rules: PageRules) -> NDArray[np.bool_]:
        allowed = allowed_for(self.state, page.query, page.request, page.seen, self.limits, rules.book.banned())
        if self.limits.max_age_days is not None:
            return allowed
        return within_reach(self.state, page.query.as_of, allowed, self.models.ages, page.request.limit)

    def seen_articles(self, request: FeedRequest) -> NDArray[np.int64]:
        """Return articles that the reader clicked, read or hid: from the ring, and older ones from the log."""
        rings, row = self.state.histories.rings, self.state.readers.get(request.reader)
        recent = self.state.history(request.reader, rings.length).article
        if row < 0 or rings.count(row) <= rings.length:
            return recent
        older = self.lookups.seen_articles(request.reader, request.as_of)
        return np.append(recent, self.state.rows_of(list(older)))

    def _explain(
        self, query: Query, rows: NDArray[np.int64], sources: Sequence[str], explain: bool
    ) -> list[tuple[Reason, ...]]:
        if not explain:
            return [()] * len(sources)
        return Explainer(self.state, self.vectors, self.models.matcher, query).explain(rows, sources)

    def _ids(self, rows: NDArray[np.int64]) -> list[str]:
        return list(map(self.state.articles.strings.__getitem__, rows.tolist()))
