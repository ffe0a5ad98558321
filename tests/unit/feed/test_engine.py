"""The engine's answers: order, histories handed in, unknown ids, causality."""

import dataclasses

import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, SECOND, EventKind, FeedRequest, HistoryItem, RankRequest
from recsys.errors import RequestError
from recsys.feed.engine import MAX_SLATE, FeedEngine
from recsys.feed.query_builder import random_numbers
from recsys.feed.reader_lookups import ReaderLookups
from recsys.ranking.features.feature_set import ALL_FEATURES, LISTWISE
from recsys.ranking.query import FloatArray
from recsys.ranking.tie_break import id_hash
from recsys.store.explicit_preferences import Preferences
from tests.unit.feed.newsrooms import NOW, did, engine, papers, read, with_models, with_ranker

IDS = tuple(f"a{i:03}" for i in range(20, 40))


class AllAlike:
    name = "alike"
    listwise = True

    def score(self, features: FloatArray) -> FloatArray:
        return np.zeros(len(features))


def ask(of: FeedEngine, **request: object) -> list[tuple[str, float]]:
    given = {"request_id": "request", "as_of": NOW, "candidates": IDS, **request}
    return [(item.id, item.score) for item in of.rank(RankRequest(**given)).items]  # type: ignore[arg-type]


def test_a_ranking_is_best_first_with_positions_from_0() -> None:
    ranking = engine(papers(), read("r", "a004")).rank(
        RankRequest(request_id="request", as_of=NOW, candidates=IDS, reader="r")
    )
    scores = [item.score for item in ranking.items]
    assert scores == sorted(scores, reverse=True)
    assert [item.position for item in ranking.items] == list(range(20))
    assert {item.id for item in ranking.items} == set(IDS)
    assert (ranking.request_id, ranking.model, ranking.as_of) == ("request", "starting", NOW)


def test_equal_scores_go_by_interest_then_clicks_then_a_hash_and_never_by_id() -> None:
    clicks = [did(f"q{i}", EventKind.CLICK, "a039", HOUR + i) for i in range(4)]
    of = with_ranker(engine(papers(), [*read("r", "a004", 2 * HOUR), *clicks]), AllAlike())
    unread = [id_ for id_, _ in ask(of)]
    assert unread[0] == "a039", "without a history, clicks decide"
    assert unread[1:] == sorted(set(IDS) - {"a039"}, key=lambda id_: int(id_hash([id_])[0])) != sorted(unread[1:])
    match = dict(zip(IDS, preference(of, "r"), strict=True))
    by_interest = [match[id_] for id_, _ in ask(of, reader="r")]
    assert by_interest == sorted(by_interest, reverse=True)
    assert ask(of, reader="r") == ask(of, reader="r", candidates=IDS[::-1])


def test_equal_scores_of_a_feed_go_by_interest_too() -> None:
    of = with_ranker(engine(papers(), read("r", "a004", 2 * HOUR)), AllAlike())
    request = FeedRequest(request_id="q", as_of=NOW, reader="r", limit=10, explain=False)
    best = of.recommend(request).ranking.items[0].id
    ids = tuple(f"a{i:03}" for i in range(40) if i != 4)
    match = dict(zip(ids, preference(of, "r", ids), strict=True))
    assert match[best] == max(match.values())


def preference(of: FeedEngine, reader: str, candidates: tuple[str, ...] = IDS) -> FloatArray:
    request = RankRequest(request_id="q", as_of=NOW, candidates=candidates, reader=reader)
    _, prepared = of.prepare(request)
    assert prepared.interest is not None
    return np.round(prepared.interest.preference, 6)


def test_the_order_of_the_candidates_changes_nothing() -> None:
    of = engine(papers(), read("r", "a004"))
    assert ask(of, reader="r") == ask(of, reader="r", candidates=IDS[::-1])


def test_a_history_in_the_request_ranks_as_the_same_history_stored() -> None:
    events = [*read("r", "a004", 5 * HOUR, 61.0), *read("r", "a005", 3 * HOUR, 12.0)]
    stored = [event for event in events if event.kind != EventKind.SCROLL]
    handed = tuple(
        HistoryItem(article, seconds, NOW - ago - MINUTE)
        for article, ago, seconds in (("a004", 5 * HOUR, 61.0), ("a005", 3 * HOUR, 12.0))
    )
    of = engine(papers(), stored)
    assert ask(of, reader="r") == ask(of, history=handed) != ask(of, reader="nobody")


def test_items_of_a_history_without_a_time_are_the_latest() -> None:
    of = engine(papers())
    timed = tuple(HistoryItem(id_, 30.0, NOW - ago * MINUTE) for id_, ago in (("a001", 2), ("a002", 1)))
    plain = tuple(HistoryItem(id_, 30.0) for id_ in ("a001", "a002"))
    assert ask(of, history=timed) == ask(of, history=plain)


def test_an_empty_history_is_a_cold_reader() -> None:
    of = engine(papers(), read("r", "a004"))
    assert ask(of, history=()) == ask(of, reader="nobody") == ask(of)


def test_only_the_last_fifty_items_of_a_history_count() -> None:
    of = engine(papers(80))
    long = tuple(HistoryItem(f"a{i:03}", 30.0, NOW - (80 - i) * MINUTE) for i in range(80))
    assert ask(of, history=long) == ask(of, history=long[-50:])


def test_a_history_may_hold_unknown_articles_and_times_to_come() -> None:
    of = engine(papers())
    odd = (HistoryItem("never heard of", 5.0), HistoryItem("a001", None, NOW + HOUR), HistoryItem("a002", 1e9))
    assert all(np.isfinite(score) for _, score in ask(of, history=odd))


def test_unknown_candidates_are_ranked_like_an_article_nothing_is_known_of() -> None:
    scores = dict(ask(engine(papers(), read("r", "a035")), candidates=("a039", "x", "y", ""), reader="r"))
    assert scores["x"] == scores["y"] == scores[""] < scores["a039"]


def test_no_candidates_is_an_empty_ranking() -> None:
    assert ask(engine(papers()), candidates=()) == []


def test_an_empty_world_answers() -> None:
    of = engine([])
    assert [id_ for id_, _ in ask(of, candidates=("y", "x"), reader="r")] == ["x", "y"]
    assert of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="r")).ranking.items == ()


def test_a_question_about_what_is_known_already_is_refused() -> None:
    of = engine(papers(), read("r", "a004", HOUR))
    for as_of in (of.state.known_at, of.state.known_at - SECOND):
        with pytest.raises(RequestError, match="not later than the newest row"):
            ask(of, as_of=as_of)
        with pytest.raises(RequestError):
            of.recommend(FeedRequest(request_id="request", as_of=as_of, reader="r"))
    assert ask(of, as_of=of.state.known_at + 1)


def test_answering_changes_nothing() -> None:
    of = engine(papers(), read("r", "a004"))
    before = (len(of.state.readers), len(of.state.articles), of.state.known_at)
    first = of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="somebody new")).ranking
    ask(of, reader="somebody else", candidates=("never heard of",))
    assert (len(of.state.readers), len(of.state.articles), of.state.known_at) == before
    assert of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="somebody new")).ranking == first


def test_the_same_request_id_explores_the_same_another_one_does_not() -> None:
    of = engine(papers(200))

    def feed(request_id: str) -> tuple[str, ...]:
        items = of.recommend(FeedRequest(request_id=request_id, as_of=NOW, reader="r", explore=0.5)).ranking.items
        return tuple(item.id for item in items)

    assert feed("one") == feed("one") != feed("two")
    assert random_numbers("one").random() == random_numbers("one").random() != random_numbers("two").random()


def test_a_feed_has_as_many_items_as_requested() -> None:
    of = engine(papers(200))
    assert [
        len(of.recommend(FeedRequest(request_id="r", as_of=NOW, reader="q", limit=n)).ranking.items)
        for n in (1, 7, 100)
    ] == [1, 7, 100]


def test_device_and_page_are_features_of_feeds_too() -> None:
    seen: list[tuple[float, float]] = []

    class Watching(AllAlike):
        def score(self, features: FloatArray) -> FloatArray:
            device, page = (ALL_FEATURES.names.index(name) for name in ("device", "context_elo"))
            seen.append((float(features[0, device]), float(features[0, page])))
            return super().score(features)

    of = with_ranker(engine(papers()), Watching())
    of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="r", device="mobile", page="a001"))
    ask(of, device="desktop", page="a001")
    assert seen == [(2.0, 0.0), (1.0, 0.0)]


@pytest.mark.parametrize("looks", [True, False])
def test_set_wise_columns_are_computed_for_rankers_that_look_at_them(looks: bool) -> None:
    seen: list[FloatArray] = []

    class Watching(AllAlike):
        listwise = looks

        def score(self, features: FloatArray) -> FloatArray:
            seen.append(features)
            return super().score(features)

    of = with_ranker(engine(papers(), read("r", "a003")), Watching())
    of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="r"))
    ask(of, reader="r")
    _, prepared = of.prepare(RankRequest(request_id="request", as_of=NOW, candidates=IDS, reader="r"))
    everything = prepared.features
    assert everything is not None
    among = np.asarray([name.endswith(LISTWISE) for name in ALL_FEATURES.names])
    for features in seen:
        assert np.isfinite(features[:, among]).any() == looks
    np.testing.assert_array_equal(seen[1][:, ~among], everything[:, ~among])


def test_a_later_page_ranks_nothing_anew() -> None:
    class Watching(AllAlike):
        requested = 0

        def score(self, features: FloatArray) -> FloatArray:
            self.requested += 1
            return super().score(features)

    ranker = Watching()
    of = with_ranker(engine(papers(), read("r", "a003")), ranker)
    slate = of.recommend(FeedRequest(request_id="one", as_of=NOW, reader="r", limit=5))
    first, left = slate.ranking, slate.remaining
    second = of.recommend(FeedRequest(request_id="two", as_of=NOW + 1, reader="r", limit=5), left).ranking
    assert ranker.requested == 1
    assert not {item.id for item in first.items} & {item.id for item in second.items}
    assert all(item.reasons and item.minutes for item in second.items)


def test_feeds_have_a_ranker_of_their_own_and_rankings_another() -> None:
    class Watching(AllAlike):
        requested = 0

        def score(self, features: FloatArray) -> FloatArray:
            self.requested += 1
            return super().score(features)

    ranker, feed_ranker = Watching(), Watching()
    of = with_models(engine(papers()), listwise=ranker, pointwise=feed_ranker, feed=feed_ranker)
    of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="r"))
    assert (ranker.requested, feed_ranker.requested) == (0, 1)
    ask(of)
    assert (ranker.requested, feed_ranker.requested) == (1, 1)
    ask(of, candidates=tuple(f"x{i}" for i in range(MAX_SLATE + 1)))
    assert (ranker.requested, feed_ranker.requested) == (1, 2)


def test_hiding_is_not_attention() -> None:
    hidden = [did("r", EventKind.HIDE, name) for name in ("a001", "a002")]
    of = engine(papers(), hidden)
    query, candidates = of.prepare(RankRequest(request_id="q", as_of=NOW, candidates=("a001", "a003"), reader="r"))
    assert len(query.history) == 0
    read = candidates.features[:, ALL_FEATURES.names.index("already_read")]
    assert read.tolist() == [1.0, 0.0]


def test_unknown_ids_in_a_history_say_nothing() -> None:
    of = engine(papers())
    with_unknown = RankRequest(
        request_id="q",
        as_of=NOW,
        candidates=("a003", "nobody"),
        reader=None,
        history=(HistoryItem("never"), HistoryItem("a001")),
    )
    without = RankRequest(
        request_id="q", as_of=NOW, candidates=("a003", "nobody"), reader=None, history=(HistoryItem("a001"),)
    )
    assert [i.score for i in of.rank(with_unknown).items] == [i.score for i in of.rank(without).items]


def test_a_reader_of_all_but_a_few_still_gets_those() -> None:
    all_read = {f"a{i:03}" for i in range(37)}
    events = [did("r", EventKind.CLICK, name, (200 - i) * HOUR) for i, name in enumerate(sorted(all_read) * 3)]
    of = engine(papers(), events, lookups=ReaderLookups(seen_articles=lambda reader, before: all_read))
    found = {
        item.id
        for item in of.recommend(FeedRequest(request_id="q", as_of=NOW, reader="r", limit=10)).ranking.items
    }
    assert found == {"a037", "a038", "a039"}


@pytest.mark.parametrize("focus", ["golf", "sport", "agency"])
def test_half_of_a_slate_is_what_is_in_focus_whatever_the_caps(focus: str) -> None:
    articles = [
        dataclasses.replace(article, subcategory="golf", source="agency")
        if article.category == "sport"
        else article
        for article in papers(200)
    ]
    of = dataclasses.replace(
        engine(articles, read("r", "a001"), pool=100),
        lookups=ReaderLookups(preferences=lambda *_: Preferences(focus=frozenset({focus}))),
    )
    items = of.recommend(FeedRequest(request_id="q", as_of=NOW, reader="r", limit=20, explore=0.0)).ranking.items
    by_id = {article.id: article for article in articles}
    assert sum(by_id[item.id].category == "sport" for item in items) >= 10
    assert sum("You follow" in reason.text for item in items for reason in item.reasons) >= 10
