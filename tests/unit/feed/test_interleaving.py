"""Interleaving of two slates by team draft."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import RankedItem, Ranking, models_of
from recsys.feed.engine import FeedSlate
from recsys.feed.interleaving import interleaved_page, team_draft
from recsys.feed.selection.remaining_candidates import RemainingCandidates

Slates = st.lists(st.permutations("abcdefgh"), min_size=2, max_size=2)


def shown(first: list[str], second: list[str], seed: str) -> list[str]:
    return [(first, second)[pick.team or 0][pick.place] for pick in team_draft(first, second, seed)]


@given(Slates, st.text(max_size=5), st.integers(1, 8), st.integers(1, 8))
def test_no_article_stands_twice_and_the_draft_is_as_long_as_the_shorter_slate(
    slates: list[list[str]], seed: str, one: int, two: int
) -> None:
    first, second = slates[0][:one], slates[1][:two]
    ids = shown(first, second, seed)
    assert len(ids) == len(set(ids)) == min(one, two)
    assert set(ids) <= {*first, *second}


@given(Slates, st.text(max_size=5))
def test_articles_at_one_place_in_both_slates_stay_and_count_for_neither(
    slates: list[list[str]], seed: str
) -> None:
    first, second = slates
    picks, ids = team_draft(first, second, seed), shown(first, second, seed)
    for place, (one, two) in enumerate(zip(first, second, strict=True)):
        if one == two:
            assert ids[place] == one
            assert picks[place].team is None


@given(Slates, st.text(max_size=5))
def test_teams_pick_in_turn_each_its_best_article_left(slates: list[list[str]], seed: str) -> None:
    first, second = slates
    picks, ids = team_draft(first, second, seed), shown(first, second, seed)
    fixed = {one for one, two in zip(first, second, strict=True) if one == two}
    for place, pick in enumerate(picks):
        if pick.team is not None:
            left = [id_ for id_ in slates[pick.team] if id_ not in {*ids[:place], *fixed}]
            assert ids[place] == left[0]
    teams = [pick.team for pick in picks if pick.team is not None]
    assert all({*teams[place : place + 2]} == {0, 1} for place in range(0, len(teams) - 1, 2))


def test_the_coin_is_fair_and_the_seed_decides() -> None:
    draws = [shown(["a", "b"], ["b", "a"], f"request {number}")[0] for number in range(2_000)]
    counts = Counter(draws)
    assert abs(counts["a"] / len(draws) - 0.5) < 0.04
    assert draws == [shown(["a", "b"], ["b", "a"], f"request {number}")[0] for number in range(2_000)]


def test_equal_slates_stay_as_they_are() -> None:
    picks = team_draft(["a", "b", "c"], ["a", "b", "c"], "seed")
    assert [pick.team for pick in picks] == [None] * 3
    assert [pick.chance for pick in picks] == [1.0] * 3


def ranking(model: str, *ids: str, story: dict[str, str] | None = None) -> Ranking:
    stories = story or {}
    items = tuple(
        RankedItem(id_, 1.0 / place, place - 1, story=stories.get(id_, id_))
        for place, id_ in enumerate(ids, start=1)
    )
    return Ranking("request", model, 1, items)


def page(of: Ranking, *remaining: str) -> FeedSlate:
    ids = tuple(item.id for item in of.items)
    left = RemainingCandidates(of.model, remaining, (0.0,) * len(remaining), ("fresh",) * len(remaining), ids)
    return FeedSlate(of, left)


def test_an_interleaved_page_names_both_models_and_leaves_the_others_for_the_next_page() -> None:
    made, _ = interleaved_page(page(ranking("old", "a", "b", "c"), "d", "e"), ranking("new", "d", "b", "e"))
    assert models_of(made.ranking.model) == ("old", "new")
    ids = [item.id for item in made.ranking.items]
    assert ids[1] == "b"
    assert [item.position for item in made.ranking.items] == [0, 1, 2]
    assert {*made.remaining.ids} == {"a", "b", "c", "d", "e"} - {*ids}
    assert made.remaining.shown == tuple(ids)
    assert made.remaining.model == made.ranking.model
    assert models_of("old") is None


def test_copies_of_a_story_are_one_article_of_the_draft() -> None:
    copy = {"a": "story", "x": "story"}
    for number in range(20):
        first = page(ranking(f"old{number}", "b", "a", story=copy))
        made, drafted = interleaved_page(first, ranking("new", "x", "c", story=copy))
        assert "x" not in {item.id for item in made.ranking.items}
        assert [item.id for item in drafted.items] == ["a", "c"]
