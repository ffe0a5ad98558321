import numpy as np
import pytest

from recsys.domain import HOUR
from recsys.simulate.history import History, play
from recsys.simulate.newsroom import Newsroom, publish
from recsys.simulate.policy import POPULARITY_HALF_LIFE, mixture, on_offer
from recsys.simulate.readers import Readers, recruit
from recsys.simulate.visits import BLOCK


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return publish(500, 2, start=0, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def readers() -> Readers:
    return recruit(120, np.random.default_rng(2))


@pytest.fixture(scope="module")
def history(readers: Readers, newsroom: Newsroom) -> History:
    return play(readers, newsroom, 2, 0, np.random.default_rng(3))


def test_logged_scores_follow_from_the_past_alone(history: History, newsroom: Newsroom) -> None:
    """The policy's weights, worked out again for some slates from clicks before their block."""
    for slate in range(0, len(history.at), 97):
        now = int(history.at[slate] // BLOCK * BLOCK)
        past = history.clicks.at < now
        popularity = np.zeros(500)
        weight = 0.5 ** ((now - history.clicks.at[past]) / POPULARITY_HALF_LIFE)
        np.add.at(popularity, history.clicks.article[past], weight)
        offer = on_offer(newsroom.published_at, now)
        expected = mixture(newsroom.published_at[offer], popularity[offer], now)
        shown = history.shown.article[slate]
        held = shown >= 0
        assert history.shown.score[slate][held] == pytest.approx(expected[shown[held] - offer.start])


def test_no_reader_is_shown_an_article_clicked_in_an_earlier_slate(history: History) -> None:
    clicked: dict[int, set[int]] = {}
    by_slate = np.split(
        history.clicks.article, np.searchsorted(history.clicks.slate, np.arange(1, len(history.at)))
    )
    for reader, shown, clicks in zip(history.reader.tolist(), history.shown.article, by_slate, strict=True):
        known = clicked.setdefault(reader, set())
        assert not known & set(shown.tolist())
        known.update(clicks.tolist())


def test_clicks_are_sorted_by_slate_and_position(history: History) -> None:
    keys = history.clicks.slate * 100 + history.clicks.position
    assert np.all(np.diff(keys) > 0)


def test_popular_articles_are_shown_more(history: History, newsroom: Newsroom) -> None:
    shown = np.bincount(history.shown.article[history.shown.article >= 0], minlength=500)
    during = newsroom.published_at > 0
    assert np.corrcoef(newsroom.appeal[during], shown[during])[0, 1] > 0.15


def test_most_of_what_is_shown_is_from_the_last_day_and_a_half(history: History, newsroom: Newsroom) -> None:
    held = history.shown.article >= 0
    slate = np.nonzero(held)[0]
    age = history.at[slate] - newsroom.published_at[history.shown.article[held]]
    assert age.min() > 0
    assert np.mean(age <= 36 * HOUR) > 0.99


def test_world_without_visits_has_an_empty_history(newsroom: Newsroom, readers: Readers) -> None:
    nobody = recruit(0, np.random.default_rng(0))
    empty = play(nobody, newsroom, 2, 0, np.random.default_rng(0))
    assert len(empty.at) == len(empty.clicks.at) == len(empty.shown.article) == 0
