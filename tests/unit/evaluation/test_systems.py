"""The rows of the results table, each from the same prepared request."""

import numpy as np
import pytest

from recsys.domain import HOUR, EventKind, RankRequest
from recsys.evaluation.systems import (
    FEED_RANKER,
    FULL_SYSTEM,
    TEXT_FREE,
    UNKNOWN_SCORE,
    PreparedQuery,
    fill_unknown,
    systems,
)
from recsys.feed.engine import FeedEngine
from recsys.ranking.query import FloatArray
from recsys.ranking.ranker import HeuristicRanker
from recsys.user_model.content_matcher import mean_match
from tests.unit.feed.newsrooms import NOW, did, engine, papers, read, shown

IDS = ("a010", "a020", "a030", "unknown")


class Counting:
    """Scores by place, and counts its calls."""

    name = "counting"
    listwise = True

    def __init__(self, sign: float = 1.0) -> None:
        self.sign, self.requested = sign, 0

    def score(self, features: FloatArray) -> FloatArray:
        self.requested += 1
        return self.sign * np.arange(len(features))


RANKERS = {TEXT_FREE: Counting(-1.0), FEED_RANKER: Counting(-2.0), FULL_SYSTEM: Counting()}


@pytest.fixture
def of() -> FeedEngine:
    events = [*read("r", "a002", 2 * HOUR), *(did(f"q{i}", EventKind.CLICK, "a020", HOUR + i) for i in range(4))]
    events.append(did("q9", EventKind.CLICK, "a030", HOUR))
    slates = [shown(f"q{i}", "a020", ago=HOUR + 1_000 + i) for i in range(20)]
    return engine(papers(), events, slates)


def requested(of: FeedEngine, reader: str = "r", request_id: str = "request") -> PreparedQuery:
    request = RankRequest(request_id=request_id, as_of=NOW, candidates=IDS, reader=reader)
    query, candidates = of.prepare(request)
    vectors = np.zeros((len(IDS), of.vectors.matrix.shape[1]))
    has = of.vectors.has(candidates.rows)
    vectors[has] = of.vectors.take(candidates.rows[has])
    return PreparedQuery(request, query, candidates, vectors)


def scores(of: FeedEngine, name: str, **changes: str) -> FloatArray:
    return fill_unknown(systems(RANKERS)[name]([requested(of, **changes)]))


def test_the_table_has_all_rows_and_ends_with_the_full_system() -> None:
    names = ["random", "newest", "popular", "popular_ctr", "content", "content_match", "untrained", "nrms"]
    names += ["attune_without_text", "feed_ranker", "attune"]
    assert list(systems(RANKERS)) == names
    assert names[-1] == FULL_SYSTEM


def test_newest_is_by_age(of: FeedEngine) -> None:
    assert np.argsort(-scores(of, "newest"))[0] in (2, 3)
    assert (np.diff(scores(of, "newest")[:3]) > 0).all()


def test_popular_is_by_clicks_and_popular_ctr_by_clicks_of_those_shown(of: FeedEngine) -> None:
    assert scores(of, "popular").argmax() == 1
    assert scores(of, "popular")[0] == 0
    assert np.isfinite(scores(of, "popular_ctr")).all()


def test_content_is_the_mean_of_the_history(of: FeedEngine) -> None:
    question = requested(of)
    expected = mean_match(question.query.reads, question.vectors.astype(np.float32))
    np.testing.assert_array_equal(scores(of, "content"), expected)
    assert scores(of, "content")[:3].argmax() in (0, 2)  # the category that was read
    assert (scores(of, "content", reader="nobody") == 0).all()


def test_nrms_is_the_preference_match(of: FeedEngine) -> None:
    found = scores(of, "nrms")
    assert found[3] == UNKNOWN_SCORE
    np.testing.assert_array_equal(found[:3], requested(of).candidates.interest.preference[:3])


def test_random_depends_on_the_request_alone(of: FeedEngine) -> None:
    one, again, other = (scores(of, "random", request_id=id_) for id_ in ("x", "x", "y"))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


def test_rerankers_score_the_features(of: FeedEngine) -> None:
    assert scores(of, FULL_SYSTEM).tolist() == [0, 1, 2, 3]
    assert scores(of, "attune_without_text").tolist() == [0, -1, -2, -3]
    assert scores(of, "feed_ranker").tolist() == [0, -2, -4, -6]


def test_requests_that_come_together_are_scored_as_each_alone(of: FeedEngine) -> None:
    both = [requested(of), requested(of, "nobody", "another")]
    for scorer in systems({FULL_SYSTEM: HeuristicRanker(), TEXT_FREE: HeuristicRanker()}).values():
        np.testing.assert_array_equal(scorer(both), np.concatenate([scorer([each]) for each in both]))


def test_articles_unknown_to_a_system_come_last() -> None:
    assert fill_unknown(np.asarray([np.nan, -5.0, 3.0])).argmin() == 0
