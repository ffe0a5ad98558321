"""Reasons are true: a read is named only if leaving it out lowers the score; the rest are facts."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR, EventKind, FeedRequest, Preferences, RankRequest, Reason
from recsys.feed.engine import FeedEngine
from recsys.feed.explanations import _percent
from recsys.feed.reader_lookups import ReaderLookups
from recsys.user_model.matcher import Match, ReadHistory, mask_one_read
from tests.unit.feed.newsrooms import NOW, did, engine, papers, read, with_models


def reasons(of: FeedEngine, *ids: str, reader: str = "r") -> dict[str, tuple[Reason, ...]]:
    ranking = of.rank(RankRequest(request_id="request", as_of=NOW, candidates=ids, reader=reader), explain=True)
    return {item.id: item.reasons for item in ranking.items}


def kinds(of: FeedEngine, *ids: str, reader: str = "r") -> dict[str, list[str]]:
    return {id_: [reason.kind for reason in why] for id_, why in reasons(of, *ids, reader=reader).items()}


@dataclasses.dataclass
class Fixed:
    """Attends to the first read alone; what a candidate loses without it is fixed."""

    loss: float
    least: float = 0.0

    def match(self, reads: ReadHistory, candidates: NDArray[np.float32], as_of: int) -> Match:
        attention = np.zeros(len(reads))
        attention[:1] = 1.0
        first = np.isclose(reads.seconds[:1], 60.0).any()
        return Match(np.full(len(candidates), self.least + (self.loss if first else 0.0)), attention)

    def with_evidence(
        self, scores: NDArray[np.float64], evidence: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        return scores

    def leave_one_out_scores(
        self, reads: ReadHistory, items: NDArray[np.intp], candidates: NDArray[np.float32], as_of: int
    ) -> NDArray[np.float64]:
        return mask_one_read(self, reads, items, candidates, as_of)

    def interests(self, reads: ReadHistory, as_of: int) -> NDArray[np.float32]:
        return reads.vectors[:1]


def test_a_similar_read_is_named_with_what_the_score_loses_without_it() -> None:
    of = engine(papers(), read("r", "a004"))
    (why,) = [reason for reason in reasons(of, "a008", "a009")["a008"] if reason.article]
    assert (why.kind, why.article, why.text) == (
        "because_you_read",
        "a004",
        "Because you read to the end: Title 4",
    )
    assert why.weight is not None
    assert why.weight > 0
    without = with_models(of, matcher=Fixed(0.0))
    assert not [reason for reason in reasons(without, "a008")["a008"] if reason.article]


def test_an_article_is_no_reason_for_itself() -> None:
    alone = engine(papers(), read("r", "a004"))
    assert not [why for why in reasons(alone, "a004")["a004"] if why.article]
    assert [why.article for why in reasons(alone, "a004", "a008")["a008"] if why.article] == ["a004"]
    attentive = with_models(
        engine(papers(), [*read("r", "a008", 2 * HOUR), *read("r", "a004", seconds=10.0)]), matcher=Fixed(0.75)
    )
    assert [why.article for why in reasons(attentive, "a004")["a004"] if why.article] == ["a008"]
    assert not [why for why in reasons(attentive, "a008")["a008"] if why.article]


def test_the_weight_is_the_fall_of_the_match_score() -> None:
    of = with_models(engine(papers(), read("r", "a004")), matcher=Fixed(0.75))
    assert reasons(of, "a008")["a008"][0].weight == 0.75


def test_a_read_without_which_the_score_does_not_fall_is_not_named() -> None:
    for loss in (0.0, -1.0, 1e-9):
        of = with_models(engine(papers(), read("r", "a004")), matcher=Fixed(loss))
        assert "because_you_read" not in kinds(of, "a008")["a008"]


def test_a_read_of_another_topic_is_not_named() -> None:
    assert "because_you_read" not in kinds(engine(papers(), read("r", "a004")), "a009")["a009"]


def test_a_hidden_article_is_never_a_reason() -> None:
    events = [*read("r", "a004", 2 * HOUR), did("r", EventKind.HIDE, "a004", 2 * HOUR - 5)]
    assert "because_you_read" not in kinds(engine(papers(), events), "a008")["a008"]


def test_a_bounce_is_not_called_read_to_the_end() -> None:
    of = engine(papers(), [did("r", EventKind.CLICK, "a004"), did("r", EventKind.READ, "a004", HOUR - 1, 9.0)])
    assert reasons(of, "a008")["a008"][0].text == "Because you read: Title 4"


def test_the_topic_is_named_by_its_share_of_what_was_opened() -> None:
    world, sport = [f"a{4 * i + 1:03}" for i in range(9)], [f"a{4 * i:03}" for i in range(3)]
    events = [each for id_ in [*world, *sport] for each in read("r", id_)]
    saved = [did("r", EventKind.SAVE, f"a{4 * i + 2:03}") for i in range(6)]
    found = reasons(engine(papers(), [*events, *saved]), "a037")["a037"]
    (topic,) = [why for why in found if why.kind == "topic_you_read"]
    assert topic.text == "75% of what you opened recently is world"


def test_a_share_is_stated_from_ten_opened_articles_on_and_rounded_down() -> None:
    world = [each for i in range(9) for each in read("r", f"a{4 * i + 1:03}")]
    assert "topic_you_read" not in kinds(engine(papers(), world), "a037")["a037"]
    ids = [*(f"a{4 * i + 1:03}" for i in range(60)), "a000"]
    events = [each for i, id_ in enumerate(ids) for each in read("r", id_, (100 - i) * HOUR)]
    found = reasons(engine(papers(300), events), "a297")["a297"]
    texts = [why.text for why in found if why.kind == "topic_you_read"]
    assert texts == ["98% of what you opened recently is world"]


def test_an_entity_of_several_opened_articles_is_named_unless_nearly_all_have_it() -> None:
    articles = [
        dataclasses.replace(each, entities=("England", "Ada Lovelace") if place % 12 == 0 else ("England",))
        for place, each in enumerate(papers())
    ]
    ada, others = ["a000", "a012", "a024"], [f"a{place:03}" for place in range(1, 31) if place % 12]
    saved = [did("r", EventKind.SAVE, "a020")]

    def named(*opened: str) -> list[str]:
        of = engine(articles, [*saved, *(did("r", EventKind.CLICK, id_) for id_ in opened)])
        return [why.text for why in reasons(of, "a036")["a036"] if why.code == "entity_you_read"]

    assert named(*ada, *others[:5]) == ["You opened 3 articles about Ada Lovelace"]
    assert named(*ada[:2], *others[:5]) == [], "two may be chance"
    assert named(*ada, *others[:28]) == [], "so may a tenth of many"


def test_a_followed_entity_is_named() -> None:
    articles = [dataclasses.replace(each, entities=("Ada Lovelace",)) for each in papers(2)]
    lookups = ReaderLookups(preferences=lambda *_: Preferences(follow=frozenset({"ada lovelace"})))
    slate = engine(articles, lookups=lookups).recommend(FeedRequest(request_id="q", as_of=NOW, reader="r"))
    assert {"You follow ada lovelace"} <= {why.text for why in slate.ranking.items[0].reasons}


def test_a_share_below_all_is_not_called_all() -> None:
    assert [_percent(share) for share in (1.0, 0.999, 0.28, 0.29, 0.57)] == [100, 99, 28, 29, 57]


@pytest.mark.parametrize(
    ("kind", "words"), [("save", "saved"), ("like", "liked"), ("share", "shared"), ("comment", "commented on")]
)
def test_feedback_without_a_read_is_not_called_a_read(kind: str, words: str) -> None:
    of = engine(papers(), [did("r", EventKind(kind), "a004")])
    (why,) = [why for why in reasons(of, "a008")["a008"] if why.article]
    assert why.text == f"Because you {words}: Title 4"
    assert why.kind == f"because_you_{words.split()[0]}"


def test_a_click_without_dwell_and_a_bounce_are_called_opened() -> None:
    click = [did("r", EventKind.CLICK, "a004")]
    for events in (click, [*click, did("r", EventKind.READ, "a004", HOUR - 1, 5.0)]):
        why = reasons(engine(papers(), events), "a008")["a008"][0]
        assert (why.kind, why.text) == ("because_you_opened", "Because you opened: Title 4")


def test_a_read_with_a_small_share_of_the_match_is_not_named() -> None:
    """Of many alike, each could go, and the match would be nearly the same."""
    for count, named in ((1, True), (8, False)):
        sport = [f"a{4 * i:03}" for i in range(count)]
        others = [f"a{4 * i + topic:03}" for i in range(6) for topic in (1, 2)]
        of = engine(papers(), [each for id_ in [*others, *sport] for each in read("r", id_)])
        assert ("because_you_read" in kinds(of, "a036")["a036"]) == named, count


def test_a_candidate_that_does_not_match_has_no_read_as_its_reason() -> None:
    of = with_models(engine(papers(), read("r", "a004")), matcher=Fixed(0.75, least=-1.0))
    assert not [why for why in reasons(of, "a008")["a008"] if why.article]


def test_popular_now_needs_clicks_now() -> None:
    now = [did(f"q{i}", EventKind.CLICK, "a001", HOUR + i) for i in range(5)]
    long_ago = [did(f"q{i}", EventKind.CLICK, "a002", 3 * DAY + i) for i in range(5)]
    found = kinds(engine(papers(), [*now, *long_ago]), "a001", "a002", reader="nobody")
    assert "popular_now" in found["a001"]
    assert "popular_now" not in found["a002"]


def test_new_is_what_came_out_within_six_hours() -> None:
    coming = papers(1, id="soon", published_at=NOW + HOUR)
    undated = papers(1, id="undated", published_at=None)
    found = kinds(engine([*papers(), *coming, *undated]), "a039", "a030", "soon", "undated", "unknown", reader="q")
    assert found["a039"] == ["fresh"]
    for id_ in ("a030", "soon", "undated", "unknown"):
        assert found[id_] == [], id_


def test_an_article_of_an_unread_category_is_something_different_if_no_other_reason_holds() -> None:
    of = engine(papers(), read("r", "a001"))
    found = reasons(of, "a002", "a005", "a039")
    assert [reason.kind for reason in found["a002"]] == ["something_different"]
    assert "something_different" not in [reason.kind for id_ in ("a005", "a039") for reason in found[id_]]


def test_an_explored_item_is_called_something_different() -> None:
    of = engine(papers(200), read("r", "a004"), pool=40)
    items = of.recommend(
        FeedRequest(request_id="request", as_of=NOW, reader="r", limit=40, explore=0.5)
    ).ranking.items
    explored = [item for item in items if item.source == "explore"]
    assert explored
    assert all("something_different" in [reason.kind for reason in item.reasons] for item in explored)


def test_no_reasons_unless_requested() -> None:
    of = engine(papers(), read("r", "a004"))
    assert (
        of.recommend(FeedRequest(request_id="request", as_of=NOW, reader="r", explain=False))
        .ranking.items[0]
        .reasons
        == ()
    )
    assert (
        of.rank(RankRequest(request_id="request", as_of=NOW, candidates=("a008",), reader="r")).items[0].reasons
        == ()
    )


def test_a_reader_without_history_gets_facts_only() -> None:
    assert all(
        reason.article is None for why in reasons(engine(papers()), "a001", "a039").values() for reason in why
    )
