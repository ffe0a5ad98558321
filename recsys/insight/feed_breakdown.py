"""Why articles stand where they stand in a feed: the share of each feature family, and why an article is missing.

The share of a family is what the score loses if the family had the values of the typical article of the page
(medians), all else equal. It holds for every ranker. Trees combine families, so shares need not sum to the score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from recsys.domain import FeedRequest, RankRequest
from recsys.feed.engine import FeedEngine
from recsys.feed.retrieval import available, matches_subjects
from recsys.ranking.features.feature_set import ALL_FEATURES, FAMILIES
from recsys.ranking.query import FloatArray
from recsys.state.catalog import NEVER

_NO_EFFECT = 1e-9


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Scores of articles by the ranker of feeds, without rules, and the shares of families, largest first."""

    score: float
    shares: Sequence[tuple[str, float]]


class Absence(StrEnum):
    """Reason why an article is in no feed of a reader."""

    UNKNOWN = "It is not stored, or was withdrawn."
    EMBARGO = "It is under embargo: its time of publication is in the future."
    EXPIRED = "It has expired."
    BANNED = "A rule bans it."
    SECTION = "The feed is of another section."
    TOO_OLD = "It is older than ATTUNE_MAX_ARTICLE_AGE_DAYS, or has neither a date nor an impression."
    MUTED = "The reader has muted its topic or source."
    SEEN = "The reader has opened, read or hidden it, or another article of its story."
    BEYOND_LOG = (
        "It is far older than the articles that the log of the training showed in its section. "
        "It returns only where a feed has too few others."
    )
    NO_VECTOR = "It has no vector yet: the encoder has not reached it. Only its age and clicks can bring it in."
    RANKED = "It may be shown, but others score higher, or retrieval did not choose it."


def breakdowns(engine: FeedEngine, request: FeedRequest, articles: Sequence[str]) -> list[Breakdown]:
    """Return the breakdown of each of `articles` [n] for the reader of `request`, relative to their medians.

    Raises:
        RequestError: `as_of` is not later than the newest row in the state.
    """
    if not articles:
        return []
    ranker = engine.models.feed
    _, candidates = engine.prepare(_ranked(request, articles), listwise=ranker.listwise)
    features = candidates.features
    assert features is not None
    scores, typical = ranker.score(features), _medians(features)
    shares: dict[str, FloatArray] = {}
    for family in FAMILIES:
        columns = [ALL_FEATURES.names.index(name) for name in family.names]
        changed = features.copy()
        changed[:, columns] = typical[columns]
        shares[family.name] = scores - ranker.score(changed)
    return [
        Breakdown(
            float(scores[place]),
            sorted(
                ((name, float(each[place])) for name, each in shares.items() if abs(each[place]) > _NO_EFFECT),
                key=lambda share: -abs(share[1]),
            ),
        )
        for place in range(len(articles))
    ]


def absence(engine: FeedEngine, request: FeedRequest, article: str) -> Absence:
    """Return why `article` is not in the feed of `request`, the first reason that holds.

    Raises:
        RequestError: `as_of` is not later than the newest row in the state.
    """
    state, at = engine.state, request.as_of
    catalog, row = state.catalog, state.articles.get(article)
    if row < 0 or not catalog.described[row]:
        return Absence.UNKNOWN
    published, book = catalog.published[row], engine.rules.in_force(at, request.category)
    muted = engine.lookups.preferences(request.reader, at).mute
    seen = engine.seen_articles(request)
    if engine.limits.whole_stories and len(seen):
        seen = catalog.stories().with_copies(seen)
    reached = engine.models.ages.within_reach(state, np.asarray([row]), at)[0]
    checks = (
        (Absence.EMBARGO, published != NEVER and published >= at),
        (Absence.EXPIRED, catalog.expires[row] <= at),
        (Absence.BANNED, bool(np.isin(row, book.banned()))),
        (
            Absence.SECTION,
            request.category is not None and catalog.category[row] != catalog.categories.get(request.category),
        ),
        (Absence.TOO_OLD, not available(state, at, None, engine.limits.max_age_days)[row]),
        (Absence.MUTED, bool(matches_subjects(catalog, muted, np.asarray([row]))[0])),
        (Absence.SEEN, bool(np.isin(row, seen))),
        (Absence.BEYOND_LOG, engine.limits.max_age_days is None and not reached),
        (Absence.NO_VECTOR, not engine.vectors.has(np.asarray([row]))[0]),
    )
    return next((reason for reason, holds in checks if holds), Absence.RANKED)


def _ranked(request: FeedRequest, articles: Sequence[str]) -> RankRequest:
    return RankRequest(
        request_id=request.request_id,
        as_of=request.as_of,
        reader=request.reader,
        history=request.history,
        device=request.device,
        page=request.page,
        candidates=tuple(articles),
    )


def _medians(features: FloatArray) -> FloatArray:
    """Return the median [f] of each column of known values; NaN where none is known."""
    known = np.isfinite(features).any(axis=0)
    out = np.full(features.shape[1], np.nan)
    out[known] = np.nanmedian(np.where(np.isfinite(features[:, known]), features[:, known], np.nan), axis=0)
    return out
