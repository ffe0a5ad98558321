"""Taste for texts: clicks over expected clicks of similar articles that the reader was shown."""

import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, Article, Event, EventKind, Slate
from recsys.encoder.vector_space import VectorSpace
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.ranking.features.relative_appeal import SATISFACTION, expected_clicks
from recsys.ranking.kernel_taste import KernelTaste, kernel_taste
from recsys.state.live_state import LiveState
from tests.unit.ranking.requests import NOW

ARTICLES = ("cup", "league", "budget", "vote", "goal", "tax", "poem")
TOPIC = {"cup": 0, "league": 0, "goal": 0, "budget": 1, "vote": 1, "tax": 1, "poem": 2}
SPACE = VectorSpace(axes=np.eye(3, dtype=np.float32))


def state_of(chosen: str | None, shown_ago: int = 3 * HOUR) -> LiveState:
    """`me` was shown two articles of sport and two of politics, and clicked `chosen`."""
    state = LiveState()
    state.upsert_articles(articles_frame(Article(id=id_, title=id_) for id_ in ARTICLES))
    at = NOW - shown_ago
    slates = [Slate(id="s", reader="me", at=at, known_at=at, candidates=("cup", "league", "budget", "vote"))]
    clicks = [] if chosen is None else [
        Event(
            id="c", reader="me", kind=EventKind.CLICK, at=at + 1, known_at=at + 1, article=chosen, request_id="s"
        )
    ]  # fmt: skip
    state.apply(state.encode(events_frame(clicks), slates_frame(slates)))
    return state


def taste(state: LiveState, *candidates: str, reader: str = "me", space: VectorSpace = SPACE) -> KernelTaste:
    """Return the taste with one axis for each topic."""
    vectors = np.zeros((len(state.articles), 3), dtype=np.float32)
    for id_, topic in TOPIC.items():
        vectors[state.articles.get(id_), topic] = 1.0
    return kernel_taste(state, state.readers.get(reader), vectors, state.rows_of(candidates), space, NOW)


def test_an_article_like_the_clicked_one_is_to_the_taste_and_one_like_the_passed_ones_is_not() -> None:
    found = taste(state_of("cup"), "goal", "tax", "poem")
    sport, politics, poem = found.taste
    assert sport > poem > politics
    assert sport > 0 > politics
    assert found.expected[0] > found.expected[2], "nothing like the poem was shown"


def test_it_is_clicks_over_expected_clicks_of_similar_exposures() -> None:
    state = state_of("cup")
    shown = state.exposures.outcomes(state.readers.get("me"))
    expected = expected_clicks(state, shown, NOW)
    clicks = looks = 2.0
    for article, click, look in zip(shown.article, SATISFACTION[shown.outcome], expected, strict=True):
        similar = TOPIC[state.articles.strings[article]] == TOPIC["goal"]
        clicks += (np.exp(8.0) if similar else 1.0) * click
        looks += (np.exp(8.0) if similar else 1.0) * look
    assert taste(state, "goal").taste[0] == pytest.approx(np.log(clicks / looks), rel=1e-4)


def test_the_mean_similarity_of_all_articles_is_no_evidence() -> None:
    """In a space where random pairs have a cosine of 1, every exposure counts once."""
    same = VectorSpace(axes=np.eye(3, dtype=np.float32), typical_on_axes=1.0)
    found = taste(state_of("cup"), "goal", "tax", space=same)
    assert found.expected.max() < taste(state_of("cup"), "goal").expected[0] / 100


@pytest.mark.parametrize("reader", ["stranger", "me"])
def test_without_exposures_there_is_no_taste(reader: str) -> None:
    state = LiveState()
    state.upsert_articles(articles_frame(Article(id=id_, title=id_) for id_ in ARTICLES))
    found = taste(state, "goal", reader=reader)
    assert (found.taste[0], found.expected[0]) == (0.0, 0.0)
    assert np.isnan(found.passed[0])


@pytest.mark.parametrize(("ago", "passed"), [(30 * MINUTE, [0.0, 1.0]), (2 * HOUR, [np.nan, np.nan])])
def test_articles_passed_over_in_this_hour_count(ago: int, passed: list[float]) -> None:
    found = taste(state_of("cup", ago), "poem", "tax")
    np.testing.assert_allclose(found.passed, passed, atol=1e-6)


def test_an_article_without_a_vector_is_like_nothing() -> None:
    state = state_of("cup")
    found = kernel_taste(state, state.readers.get("me"), np.zeros((0, 0), np.float32), np.asarray([0]), SPACE, NOW)
    assert np.isfinite(found.taste).all()
