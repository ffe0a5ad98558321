"""Where candidates come from, and what may never be one."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from recsys.constants import HalfLife
from recsys.domain import DAY, HOUR, EventKind, FeedRequest, RankRequest
from recsys.feed import non_personalized
from recsys.feed.engine import FeedEngine
from recsys.feed.non_personalized import ListQuery, latest, similar
from recsys.feed.reader_lookups import ReaderLookups
from recsys.feed.retrieval import drawn, trending
from recsys.ranking.age_support import EVERY_AGE, REACH, AgeSupport, SupportedAges
from recsys.state.event_codes import CLICKS
from recsys.store.explicit_preferences import Preferences
from recsys.user_model.matcher import ReadHistory, mask_one_read
from tests.unit.feed.newsrooms import CATEGORIES, NOW, did, engine, papers, read, shown, with_models


def feed(of: FeedEngine, reader: str = "r", as_of: int = NOW, **requested: Any) -> dict[str, str]:
    """Article → source of a feed that shows all candidates."""
    request = FeedRequest(request_id="request", as_of=as_of, reader=reader, **{"limit": 1_000, **requested})
    return {item.id: item.source for item in of.recommend(request).ranking.items}


def test_a_reader_never_met_gets_a_feed_of_what_trends_and_what_is_new() -> None:
    clicks = [did(f"q{i}", EventKind.CLICK, "a003", HOUR + i) for i in range(9)]
    found = feed(engine(papers(), clicks, pool=20), explore=0.0)
    assert len(found) == 20
    assert set(found.values()) == {"trending", "fresh", "explore"}
    assert found["a003"] == "trending"
    assert found["a039"] in ("fresh", "trending")


def test_a_reader_with_a_history_gets_what_matches_it() -> None:
    found = feed(engine(papers(200), read("r", "a004", seconds=90), pool=20), explore=0.0)
    interested = [article for article, source in found.items() if source in ("interest", "similar")]
    assert interested
    assert all(int(article[1:]) % 4 == 0 for article in interested)  # the category of what was read


def test_the_last_deep_reads_bring_similar_articles() -> None:
    events = [*read("r", "a001", 5 * HOUR, seconds=3), *read("r", "a002", 4 * HOUR, seconds=300)]
    events += [event for i in range(3, 9) for event in read("r", f"a00{i}", HOUR, seconds=3)]
    found = feed(engine(papers(200), events, pool=40), explore=0.0)
    similar = [int(article[1:]) % 4 for article, source in found.items() if source == "similar"]
    assert similar
    assert set(similar) == {2}


@pytest.mark.parametrize("kind", [EventKind.CLICK, EventKind.HIDE, EventKind.LIKE])
def test_articles_the_reader_had_are_not_shown_again(kind: EventKind) -> None:
    of = engine(papers(), [did("r", kind, "a007")])
    assert "a007" not in feed(of)
    assert "a007" in feed(of, "another reader")


def test_the_whole_ring_of_readings_counts_as_had() -> None:
    events = [did("r", EventKind.CLICK, f"a{i:03}", DAY - i * HOUR // 8) for i in range(60)]
    assert not {f"a{i:03}" for i in range(60)} & feed(engine(papers(100), events)).keys()


def test_articles_that_left_the_ring_are_read_from_the_log() -> None:
    events = [did("r", EventKind.CLICK, f"a{i:03}", DAY - i * HOUR // 8) for i in range(80)]
    requested = []

    def seen_articles(reader: str, before: int) -> set[str]:
        requested.append((reader, before))
        return {"a000", "a001"}

    found = feed(engine(papers(100), events, lookups=ReaderLookups(seen_articles=seen_articles)))
    assert requested == [("r", NOW)]
    assert not {"a000", "a001"} & found.keys()
    assert "a002" in found


def test_a_short_history_is_not_read_from_the_log() -> None:
    def seen_articles(reader: str, before: int) -> set[str]:
        raise AssertionError("the ring holds all of it")

    assert feed(engine(papers(), read("r", "a001"), lookups=ReaderLookups(seen_articles=seen_articles)))


def test_excluded_articles_are_not_shown() -> None:
    assert not {"a001", "a039"} & feed(engine(papers()), exclude=frozenset({"a001", "a039", "unknown"})).keys()


def test_a_category_is_all_or_nothing() -> None:
    of = engine([*papers(), *papers(3, id="b", category=None)])
    found = feed(of, category="world")
    assert found
    assert all(CATEGORIES[int(article[1:]) % 4] == "world" for article in found)
    assert feed(of, category="never heard of") == {}


def test_articles_under_embargo_are_not_shown() -> None:
    coming = papers(1, id="soon", abstract="not out yet", published_at=NOW + HOUR)
    of = engine([*papers(), *coming])
    assert "soon" not in feed(of)
    assert "soon" in feed(of, as_of=NOW + 2 * HOUR)
    assert feed(engine(coming)) == {}


def test_an_article_leaves_when_it_expires() -> None:
    ending = papers(1, id="ending", abstract="soon over", expires_at=NOW)
    of = engine([*papers(), *ending])
    assert "ending" in feed(of, as_of=NOW - 1), "it is not known to be over before it is"
    assert "ending" not in feed(of)
    query = ListQuery(NOW, 100)
    assert "ending" not in [*latest(of, query), *non_personalized.trending(of, query), *similar(of, "a001", query)]
    assert feed(engine(ending)) == {}
    assert feed(engine(papers(1, id="undated", published_at=None, expires_at=NOW))) == {}


def test_an_expired_article_can_be_ranked() -> None:
    of = engine([*papers(), *papers(1, id="ending", expires_at=NOW)])
    request = RankRequest(request_id="q", as_of=NOW + HOUR, reader="r", candidates=("ending", "a001"))
    assert {item.id for item in of.rank(request).items} == {"ending", "a001"}


def test_an_undated_article_is_out_when_it_was_first_shown() -> None:
    undated = papers(1, id="undated", published_at=None)
    assert "undated" not in feed(engine([*papers(), *undated]))
    assert "undated" in feed(engine([*papers(), *undated], slates=[shown("q", "undated")]))


def test_undated_articles_are_better_than_none() -> None:
    assert len(feed(engine(papers(published_at=None)))) == 40


def test_articles_older_than_the_limit_are_not_retrieved() -> None:
    found = feed(engine(papers(), max_age_days=0.5))
    assert found.keys() == {f"a{i:03}" for i in range(28, 40)}


def test_articles_beyond_the_reach_of_the_models_are_not_retrieved() -> None:
    assert candidates(knowing(10.0)) == {f"a{i:03}" for i in range(40 - int(10 * REACH), 40)}


def test_old_articles_are_retrieved_if_too_few_young_ones_are_left() -> None:
    assert len(candidates(knowing(1.0))) == 40


def test_the_operator_overrules_the_reach_of_the_models() -> None:
    assert candidates(knowing(10.0, max_age_days=1.5)) == {f"a{i:03}" for i in range(4, 40)}


def test_a_score_fades_beyond_the_ages_that_the_models_know() -> None:
    everything, faded = (
        {item.id: item.score for item in with_models(engine(papers()), ages=ages).recommend(request).ranking.items}
        for request in [FeedRequest(request_id="q", as_of=NOW, reader="r", limit=40)]
        for ages in (EVERY_AGE, AgeSupport(SupportedAges(30.0, 0.1), {}))
    )
    for i, (id_, score) in enumerate(sorted(everything.items())):
        assert faded[id_] == pytest.approx(score - 0.1 * max(40 - i - 30, 0))


def knowing(hours: float, max_age_days: float | None = None) -> FeedEngine:
    """The engine of models that know ages up to `hours`, which cost nothing."""
    ages = AgeSupport(SupportedAges(hours, 0.0), {})
    return with_models(engine(papers(), max_age_days=max_age_days), ages=ages)


def candidates(of: FeedEngine) -> set[str]:
    """All candidates of a feed of four: those that it shows, and the remaining ones."""
    slate = of.recommend(FeedRequest(request_id="q", as_of=NOW, reader="r", limit=4))
    return {item.id for item in slate.ranking.items} | set(slate.remaining.ids)


def test_articles_that_were_shown_but_never_described_are_not_retrieved() -> None:
    assert "ghost" not in feed(engine(papers(), slates=[shown("q", "ghost")]))


def test_without_an_index_there_is_still_a_feed() -> None:
    assert feed(engine(papers(), read("r", "a001"), index=None))


def test_no_article_at_all_is_an_empty_feed() -> None:
    assert feed(engine([])) == {}


def test_candidates_do_not_depend_on_who_came_first() -> None:
    events = read("r", "a004")
    one, two = engine(papers(60), events, pool=20), engine(papers(60)[::-1], events, pool=20)
    assert feed(one) == feed(two)


def test_near_articles_that_may_not_be_shown_do_not_crowd_out_others() -> None:
    """Far more of the same category than is searched at first, and none of it out yet."""
    coming = [
        dataclasses.replace(article, id=f"x{article.id}", published_at=NOW + DAY)
        for article in papers(400, category="sport")
    ]
    found = feed(engine([*papers(80), *coming], read("r", "a000"), pool=20))
    alone = feed(engine(papers(80), read("r", "a000"), pool=20))
    assert found == alone
    assert "interest" in found.values()


def test_a_matcher_may_have_several_interests() -> None:
    class Two:
        def match(self, reads: ReadHistory, candidates: Any, as_of: int) -> Any:
            from recsys.user_model.content_matcher import ContentMatcher

            return ContentMatcher().match(reads, candidates, as_of)

        def with_evidence(self, scores: Any, evidence: Any, as_of: int) -> Any:
            return scores

        def leave_one_out_scores(self, reads: ReadHistory, items: Any, candidates: Any, as_of: int) -> Any:
            return mask_one_read(self, reads, items, candidates, as_of)

        def interests(self, reads: ReadHistory, as_of: int) -> Any:
            return of.vectors.take(of.state.rows_of(["a000", "a001"]))

    of = engine(papers(200), read("r", "a002"), pool=20)
    found = feed(with_models(of, matcher=Two()))
    kinds = {int(article[1:]) % 4 for article, source in found.items() if source == "interest"}
    assert kinds == {0, 1}


def test_the_pool_bounds_how_many_are_ranked() -> None:
    assert len(feed(engine(papers(200), pool=30))) == 30
    assert len(feed(engine(papers(20), pool=30))) == 20


@pytest.mark.parametrize("clicked", [0, 3, 30])
def test_trending_equals_a_sort_of_all_articles(clicked: int) -> None:
    """Fewer were clicked than are wanted, or more; the rest are equal, and ordered by their ids alone."""
    times = [(i, n) for i in range(clicked) for n in range(i % 5 + 1)]
    clicks = [did(f"q{i}-{n}", EventKind.CLICK, f"a{i:03}", HOUR) for i, n in times]
    state = engine(papers(), clicks).state
    rows = state.rows_of([f"a{i:03}" for i in range(40)])
    by = state.counters.articles[rows, CLICKS, HalfLife.HOURS_4]
    order = state.catalog.tie_break_hash[rows]
    expected = sorted(range(40), key=lambda place: (-by[place], order[place]))
    for count in (1, 10, 39, 40, 50):
        assert trending(state, rows, count).tolist() == rows[expected[:count]].tolist()


def test_draws_depend_on_ids_alone_and_are_even() -> None:
    one, two = engine(papers(60)).state, engine(papers(60)[::-1]).state
    allowed = np.ones(len(one.first_shown), dtype=np.bool_)
    allowed[0], allowed[61:] = False, False
    counts = np.zeros(61)
    for seed in range(600):
        mine, theirs = (drawn(state, allowed, 6, np.random.default_rng(seed)) for state in (one, two))
        assert [one.articles.strings[row] for row in mine] == [two.articles.strings[row] for row in theirs]
        assert len(set(mine.tolist())) == 6
        counts[mine] += 1
    assert counts[1:].min() > 30 and counts[1:].max() < 95  # 60 expected, standard deviation 7.3


def test_articles_of_a_followed_topic_are_found_among_thousands_of_others() -> None:
    of = dataclasses.replace(
        engine(papers(400), pool=20),
        lookups=ReaderLookups(preferences=lambda *_: Preferences(follow=frozenset({"money"}))),
    )
    found = feed(of, explore=0.0)
    followed = [article for article, source in found.items() if source == "followed"]
    assert len(followed) == 3, "0.15 of the pool"
    assert all(CATEGORIES[int(article[1:]) % 4] == "money" for article in followed)
