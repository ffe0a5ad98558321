"""Draws of new articles: their chances are those that the log states, and they end with the evidence."""

from dataclasses import replace

import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, EventKind, FeedRequest, Ranking
from recsys.feed.engine import FeedEngine
from recsys.feed.query_builder import build_query
from recsys.feed.selection.exploration import Exploration
from recsys.feed.selection.fresh_articles import MOST_TRIED, FreshArticles, fresh_articles
from recsys.feed.selection.slate_selection import fill_slate
from recsys.feed.selection.thompson import BetaArms
from recsys.ranking.query import Query
from tests.unit.feed.newsrooms import NOW, did, engine, papers, shown


def fresh() -> FreshArticles:
    """Candidates 1 and 3; 3 is the more appealing one."""
    arms = BetaArms.of(np.asarray([2.0, 4.0]), np.asarray([40.0, 36.0]))
    return FreshArticles(np.asarray([1, 3]), arms, np.asarray([1.0, 0.5]))


def query(of: FeedEngine, reader: str = "r") -> Query:
    return build_query(of.state, of.vectors, FeedRequest(request_id="q", as_of=NOW, reader=reader))


def tried(of: FeedEngine, reader: str = "r") -> list[str]:
    """Ids of the articles to try, newest first."""
    rows = np.arange(1, len(of.state.articles))
    places = fresh_articles(of.state, query(of, reader), rows).places
    return [of.state.articles.strings[row] for row in rows[places]]


def test_propensities_are_the_frequencies_of_the_draws() -> None:
    exploration, rng = Exploration(0.5, 0.8, fresh()), np.random.default_rng(3)
    draws, seen, stated = 10_000, np.zeros(5), np.zeros(5)
    for _ in range(draws):
        slate = fill_slate(np.arange(5), (), 2, exploration, rng)
        seen[slate.places[1]] += 1
        stated[slate.places[1]] = slate.propensities[1]
    np.testing.assert_allclose(stated.sum(), 1.0)
    np.testing.assert_allclose(seen / draws, stated, atol=0.02)
    assert stated[1] - 0.5 > 0.05 > stated[2]  # 1 is the best remaining candidate, too
    assert stated[3] > stated[1] - 0.5


def test_without_a_new_article_exploration_is_uniform() -> None:
    none = FreshArticles(np.zeros(0, dtype=np.intp), BetaArms.of(np.zeros(0), np.zeros(0)), np.zeros(0))
    for seed in range(50):
        uniform, with_none = (
            fill_slate(np.arange(6), (), 4, exploration, np.random.default_rng(seed))
            for exploration in (Exploration(0.5), Exploration(0.5, 0.8, none))
        )
        assert uniform == with_none


def test_the_newest_articles_are_tried_until_they_are_six_hours_old() -> None:
    assert tried(engine(papers(40))) == [f"a{i:03}" for i in range(39, 34, -1)]


def test_one_page_chooses_from_a_bounded_number_of_articles() -> None:
    assert len(tried(engine(papers(40, published_at=NOW - HOUR)))) == MOST_TRIED


def test_an_article_is_tried_only_until_there_is_enough_evidence() -> None:
    slates = [shown(f"r{i}", "a039", "a000", ago=HOUR - i) for i in range(400)]
    clicks = [
        replace(did(f"r{i}", EventKind.CLICK, "a000", ago=HOUR - 500 - i), request_id=slates[i].id)
        for i in range(80)
    ]
    found = tried(engine(papers(40), clicks, slates))
    assert "a039" not in found
    assert "a038" in found


def test_an_article_that_is_nearly_known_is_tried_less() -> None:
    arms = BetaArms.of(np.asarray([2.0, 2.0, 4.0]), np.asarray([40.0, 40.0, 36.0]))
    found = FreshArticles(np.asarray([1, 3, 4]), arms, np.asarray([1.0, 0.25, 1.0])).chances([1, 3, 4])
    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(4 * found[1])
    plain = arms.chances(np.arange(3))
    assert found[2] / found[0] == pytest.approx(plain[2] / plain[0])


def test_an_article_is_not_tried_twice_on_one_reader() -> None:
    of = engine(papers(40), slates=[shown("r", "a039", ago=30 * MINUTE)])
    assert "a039" not in tried(of)
    assert "a039" in tried(of, "another")


@pytest.fixture(scope="module")
def trying() -> FeedEngine:
    made = engine(papers(60))
    return replace(made, limits=replace(made.limits, fresh_share=1.0))


def recommended(of: FeedEngine, number: int) -> Ranking:
    request = FeedRequest(request_id=f"q{number}", as_of=NOW, reader="r", limit=10, explore=0.5)
    return of.recommend(request).ranking


def test_the_same_request_draws_the_same_articles(trying: FeedEngine) -> None:
    assert recommended(trying, 1) == recommended(trying, 1)


def test_a_feed_names_the_source_of_a_tried_article(trying: FeedEngine) -> None:
    items = [item for number in range(20) for item in recommended(trying, number).items]
    drawn = [item for item in items if item.propensity < 0.5]
    assert drawn
    assert {item.source for item in drawn if item.id >= "a055"} == {"fresh"}


def test_a_feed_counts_its_draws(trying: FeedEngine) -> None:
    recommended(trying, 2)
    assert 0 < (trying.metrics.explored_share() or 0) < 1
    assert (trying.metrics.share_with_new() or 0) >= 0
