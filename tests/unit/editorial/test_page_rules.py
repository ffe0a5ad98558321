"""Rules on one page: places, their order, propensities, and what is left unchanged."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import HOUR, FeedRequest
from recsys.feed.retrieval import EDITORIAL
from recsys.ranking.score_scaling import PlattScaling, softplus_utility, with_log_odds
from tests.unit.editorial.editions import a_rule, feed, ids, with_rules
from tests.unit.feed.newsrooms import NOW, engine, papers, read, shown

PAPERS = papers()
ENGINE = engine(PAPERS, read("r", "a004"))
PLAIN = ids(feed(ENGINE))


def test_rules_that_do_not_act_change_no_bit() -> None:
    ended = a_rule("breaking", "section", "sport", ends_at=NOW)
    later = a_rule("ban", "section", "sport", starts_at=NOW + 1)
    unborn = a_rule("ban", "section", "sport", created_at=NOW + 1)
    removed = a_rule("ban", "section", "sport", removed_at=NOW)
    elsewhere = a_rule("ban", "section", "sport", section="world")
    nothing = a_rule("pin", "article", "nobody", place=1)
    edited = with_rules(ENGINE, PAPERS, ended, later, unborn, removed, elsewhere, nothing)
    assert feed(edited, explore=0.3) == feed(ENGINE, explore=0.3)


def test_breaking_articles_take_the_top_before_pins() -> None:
    pins = [a_rule("pin", "article", f"a00{i}", place=i) for i in (1, 2, 3)]
    breaking = [a_rule("breaking", "article", "a010"), a_rule("breaking", "article", "a011")]
    found = ids(feed(with_rules(ENGINE, PAPERS, *pins, *breaking)))
    assert found[0] == "a001"
    assert set(found[1:3]) == {"a010", "a011"}
    assert found[3:5] == ["a002", "a003"]


def test_at_most_three_breaking_articles_are_placed_the_newest() -> None:
    found = feed(with_rules(ENGINE, PAPERS, a_rule("breaking", "section", "sport")))
    assert ids(found)[:3] == ["a036", "a032", "a028"]
    assert [bool(item.rules) for item in found] == [True] * 3 + [False] * 7


def test_pins_of_one_place_stand_one_after_the_other_the_newest_first() -> None:
    pins = [a_rule("pin", "article", f"a00{i}", place=2, created_at=NOW - HOUR + i) for i in range(3)]
    assert ids(feed(with_rules(ENGINE, PAPERS, *pins)))[1:4] == ["a002", "a001", "a000"]


def test_a_pin_below_the_last_article_follows_it() -> None:
    few = papers(4)
    found = ids(feed(with_rules(engine(few), few, a_rule("pin", "article", "a003", place=9))))
    assert found[-1] == "a003"
    assert sorted(found) == [f"a00{i}" for i in range(4)]


def test_a_pin_of_a_section_places_its_newest_article_only() -> None:
    found = feed(with_rules(ENGINE, PAPERS, a_rule("pin", "section", "culture", place=1)))
    assert found[0].id == "a038"
    assert sum(bool(item.rules) for item in found) == 1


def test_mutes_do_not_stop_news_but_bans_and_exclusions_do() -> None:
    rules = [a_rule("breaking", "article", "a010"), a_rule("pin", "article", "a011", place=5)]
    assert {"a010", "a011"} <= set(ids(feed(with_rules(ENGINE, PAPERS, *rules))))
    assert "a010" not in ids(feed(with_rules(ENGINE, PAPERS, *rules), exclude=frozenset(["a010"])))
    banned = with_rules(ENGINE, PAPERS, *rules, a_rule("ban", "article", "a011"))
    assert "a011" not in ids(feed(banned, limit=40))


def test_two_articles_of_one_story_are_never_placed() -> None:
    copies = [*papers(10, url=None), *(p for p in papers(12, url="https://news.example/one")[10:])]
    rules = [a_rule("breaking", "article", "a010"), a_rule("pin", "article", "a011", place=4)]
    found = ids(feed(with_rules(engine(copies), copies, *rules), limit=12))
    assert found.count("a010") == 1
    assert "a011" not in found


def test_a_must_see_article_waits_for_an_exposure_since_the_rule() -> None:
    rule = a_rule("must_see", "article", "a001", value=30.0)
    before = engine(PAPERS, slates=[shown("r", "a001", ago=30 * HOUR)])
    assert ids(feed(with_rules(before, PAPERS, rule)))[0] == "a001"
    since = engine(PAPERS, slates=[shown("r", "a001", ago=2 * HOUR)])
    assert "a001" not in ids(feed(with_rules(since, PAPERS, rule)))
    over = a_rule("must_see", "article", "a001", value=23.0)
    assert "a001" not in ids(feed(with_rules(ENGINE, PAPERS, over)))


def test_articles_that_retrieval_does_not_find_come_in_by_a_rule() -> None:
    narrow = engine(PAPERS, pool=5)
    assert "a000" not in ids(feed(narrow, limit=40))
    for rule in (a_rule("boost", "article", "a000", value=9.0), a_rule("pin", "article", "a000", place=1)):
        first = feed(with_rules(narrow, PAPERS, rule))[0]
        assert (first.id, first.source) == ("a000", EDITORIAL)


def test_boosts_add_up_and_are_not_added_again_on_the_next_page() -> None:
    rules = [a_rule("boost", "section", "sport", value=0.4), a_rule("demote", "article", "a036", value=0.1)]
    edited = with_rules(ENGINE, PAPERS, *rules)
    plain = {item.id: item.score for item in feed(ENGINE, limit=40)}
    first = edited.recommend(FeedRequest(request_id="q", as_of=NOW, reader="r", limit=20))
    second = edited.recommend(FeedRequest(request_id="p", as_of=NOW + 1, reader="r", limit=20), first.remaining)
    for item in (*first.ranking.items, *second.ranking.items):
        expected = 0.4 * (int(item.id[1:]) % 4 == 0) - 0.1 * (item.id == "a036")
        assert item.score - plain[item.id] == pytest.approx(expected)
        assert sum(rule.log_odds for rule in item.rules) == pytest.approx(expected)


def test_a_budget_of_minutes_holds_with_rules() -> None:
    rules = [a_rule("pin", "article", "a000", place=2), a_rule("quota", "section", "sport", value=1.0)]
    found = feed(with_rules(ENGINE, PAPERS, *rules), minutes=6.0, limit=100)
    assert found[1].id == "a000"
    assert sum(item.minutes or 0 for item in found) <= 6.0
    assert sum(int(item.id[1:]) % 4 == 0 for item in found) == 1, "the pin counts"


def test_a_quota_of_zero_and_a_quota_without_articles() -> None:
    none = with_rules(ENGINE, PAPERS, a_rule("quota", "section", "sport", value=0.0))
    assert not any(int(id_[1:]) % 4 == 0 for id_ in ids(feed(none, limit=40, explore=0.5)))
    other = with_rules(ENGINE, PAPERS, a_rule("quota", "section", "nothing", value=0.0))
    assert feed(other) == feed(ENGINE)


def test_propensities_are_the_frequencies_under_rules() -> None:
    """Placed items are certain; every other item stands where it stands as often as its propensity says."""
    small = papers(12)
    rules = [a_rule("pin", "article", "a000", place=2), a_rule("quota", "section", "sport", value=2.0)]
    edited = with_rules(engine(small), small, *rules)
    times, counts, given_ = 300, Counter[str](), dict[str, float]()
    for draw in range(times):
        found = feed(edited, request_id=f"q{draw}", limit=4, explore=0.4)
        assert (found[1].id, found[1].propensity) == ("a000", 1.0)
        assert found[0].propensity == 1.0
        counts[found[2].id] += 1  # the items above it are always the same
        given_[found[2].id] = found[2].propensity
    assert sum(given_.values()) == pytest.approx(1.0)
    for id_, propensity in given_.items():
        assert counts[id_] / times == pytest.approx(propensity, abs=4 * np.sqrt(propensity / times))


PLACED = st.sampled_from(["pin", "breaking", "must_see", "boost", "demote", "ban", "quota"])


@given(
    kinds=st.lists(st.tuples(PLACED, st.integers(0, 39), st.integers(1, 14)), max_size=8),
    limit=st.integers(1, 12),
    explore=st.sampled_from([0.0, 0.3]),
    minutes=st.sampled_from([None, 5.0]),
)
@settings(max_examples=60)
def test_any_rules_give_a_page_without_repetition_and_with_its_bans_and_places(
    kinds: list[tuple[str, int, int]], limit: int, explore: float, minutes: float | None
) -> None:
    def values(kind: str, number: int) -> dict[str, float | int]:
        if kind == "pin":
            return {"place": number}
        return {} if kind in ("breaking", "ban") else {"value": float(number)}

    rules = [
        a_rule(kind, "article", f"a{row:03}", id=str(i), **values(kind, number))
        for i, (kind, row, number) in enumerate(kinds)
    ]
    found = feed(with_rules(ENGINE, PAPERS, *rules), limit=limit, explore=explore, minutes=minutes)
    shown_ids = ids(found)
    assert len(shown_ids) == len(set(shown_ids)) <= limit
    banned = {rule.match for rule in rules if rule.kind == "ban"}
    assert not banned & set(shown_ids)
    breaking = {rule.match for rule in rules if rule.kind == "breaking"} - banned - {"a004"}
    assert len(breaking & set(shown_ids[:3])) == min(len(breaking), 3, limit)
    assert all(0 < item.propensity <= 1 for item in found)
    assert [item.position for item in found] == list(range(len(found)))


@given(
    scores=st.lists(st.floats(-4, 0.9), min_size=2, max_size=20),
    log_odds=st.floats(-3, 3),
    utility=st.sampled_from([PlattScaling(2.0, -3.0), softplus_utility]),
)
def test_log_odds_move_the_chance_by_themselves_and_keep_the_order(
    scores: list[float], log_odds: float, utility: object
) -> None:
    before = np.asarray(scores)
    after = with_log_odds(utility, before, np.full(len(scores), log_odds))  # type: ignore[arg-type]
    assert np.isfinite(after).all()
    for one, other in ((a, b) for a in range(len(scores)) for b in range(a)):
        if before[one] > before[other] + 1e-6:
            assert after[one] >= after[other] - 1e-9
    chances, moved = utility(before), utility(after)  # type: ignore[operator]
    usual = (chances > 1e-6) & (chances < 0.98) & (moved < 0.98)
    added = np.log(moved / (1 - moved)) - np.log(chances / (1 - chances))
    np.testing.assert_allclose(added[usual], log_odds, atol=1e-4)
