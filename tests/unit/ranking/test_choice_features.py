"""Features that come of choices among slates, and of the page a slate is shown on."""

import numpy as np
import pytest

from recsys.domain import HOUR, Article, Event, EventKind, Slate
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.ranking.query import FloatArray
from recsys.state.elo import FAST, RATES
from recsys.state.live_state import LiveState
from tests.unit.ranking.requests import NOW, features, request

NAN = float("nan")
CANDIDATES = ("goal", "match", "vote", "plain", "never met")


def chosen_state() -> LiveState:
    """`me` took 'goal' (sport, tennis) over 'vote' (world) and 'plain' (no category), three hours ago."""
    state = LiveState()
    state.upsert_articles(
        articles_frame(
            [
                Article(
                    id="goal", title="Goal", category="sport", subcategory="tennis", published_at=NOW - 4 * HOUR
                ),
                Article(id="match", title="Match", category="sport", subcategory="golf"),
                Article(id="vote", title="Vote", category="world"),
                Article(id="plain", title="Plain"),
            ]
        )
    )
    at = NOW - 3 * HOUR
    slate = Slate(id="s", reader="me", at=at, known_at=at, candidates=("goal", "vote", "plain"))
    click = Event(
        id="c", reader="me", kind=EventKind.CLICK, at=at + 1, known_at=at + 1, article="goal", request_id="s"
    )
    state.apply(state.encode(events_frame([click]), slates_frame([slate])))
    return state


STATE = chosen_state()
THIRD = 1 / 3


@pytest.fixture(scope="module")
def mine() -> dict[str, FloatArray]:
    return features(request(CANDIDATES, state=STATE))


def on(page: str | None) -> dict[str, FloatArray]:
    return features(request(CANDIDATES, page=page, state=STATE))


def test_ratings_tell_what_was_chosen_over_what(mine: dict[str, FloatArray]) -> None:
    for name, rate in zip(("elo_slow", "elo"), RATES, strict=True):
        assert mine[name] == pytest.approx(rate * np.asarray([2 * THIRD, 0, -THIRD, -THIRD, 0]))
    assert mine["elo_listwise"] == pytest.approx([0.9, 0.6, 0.2, 0.2, 0.6])


def test_appeal_is_clicks_over_those_an_average_article_would_have_got(mine: dict[str, FloatArray]) -> None:
    # one click for three looks; four expected clicks of the average weigh against them
    expected = np.log([(1 + 4) / (THIRD + 4), 1, 4 / (THIRD + 4), 4 / (THIRD + 4), 1])
    assert mine["appeal"] == pytest.approx(expected, rel=0.02)  # three hours fade a little
    np.testing.assert_array_equal(mine["appeal_with_affinity"], mine["appeal"] + mine["subcategory_affinity"])


def test_a_taste_is_clicks_over_those_expected_of_what_was_looked_at(mine: dict[str, FloatArray]) -> None:
    goal, vote = THIRD * np.exp(mine["appeal"][[0, 2]])
    sport, world = (1 + 2) / (goal + 2), 2 / (vote + 2)
    assert mine["category_affinity"] == pytest.approx(np.log([sport, sport, world, 1, 1]))
    assert mine["subcategory_affinity"] == pytest.approx(
        np.log([(1 + 2 * sport) / (goal + 2), sport, world, 1, 1])
    )
    assert mine["subcategory_expected"] == pytest.approx([goal, 0, 0, 0, 0])
    np.testing.assert_array_equal(mine["elo_with_affinity"], mine["elo"] + mine["subcategory_affinity"])


def test_a_stranger_has_no_taste_but_sees_the_ratings(mine: dict[str, FloatArray]) -> None:
    theirs = features(request(CANDIDATES, "nobody", state=STATE))
    assert not theirs["category_affinity"].any()
    assert not theirs["reader_expected"].any()
    np.testing.assert_array_equal(theirs["elo_with_affinity"], mine["elo"])


def test_the_page_is_compared_with_the_candidates() -> None:
    seen = on("goal")
    assert seen["is_context_article"].tolist() == [1, 0, 0, 0, 0]
    assert seen["same_category_as_context"].tolist() == [1, 1, 0, 0, 0]
    assert seen["same_subcategory_as_context"].tolist() == [1, 0, 0, 0, 0]
    assert seen["context_elo"] == pytest.approx([RATES[FAST] * 2 * THIRD] * 5)
    assert seen["context_age"] == pytest.approx([4.0] * 5)


def test_a_page_of_which_little_is_known_is_like_nothing() -> None:
    seen = on("plain")
    assert not seen["same_category_as_context"].any()
    assert seen["context_age"] == pytest.approx([3.0] * 5)
    assert np.isnan(on("match")["context_age"]).all()


@pytest.mark.parametrize("page", [None, "unheard of"])
def test_a_front_page_and_a_page_never_met_are_unknown(page: str | None) -> None:
    seen = on(page)
    for name in (
        "is_context_article",
        "same_category_as_context",
        "same_subcategory_as_context",
        "context_elo",
        "context_age",
    ):
        assert np.isnan(seen[name]).all()
