"""Social features and the circle of a reader, on a network of four people."""

import numpy as np
import pytest

from recsys.domain import HOUR, Article, Event, EventKind
from recsys.frames import articles_frame
from recsys.ranking.features.social import NAMES
from recsys.ranking.social_circle import NOBODY, circle_of
from recsys.state.live_state import LiveState
from tests.unit.ranking.requests import NOW, features, request


def network() -> LiveState:
    """`me` follows ann and bob; ann follows `me` and cem; bob liked ann's post and cem's; `me` replied to cem."""
    state = LiveState()
    posts = (
        ("by ann", "ann", None),
        ("by cem", "cem", None),
        ("below cem", "dan", "by cem"),
        ("anonymous", None, None),
    )
    state.upsert_articles(
        articles_frame(
            [
                Article(id=id_, title=id_, author=author, reply_to=above, published_at=NOW - 2 * HOUR)
                for id_, author, above in posts
            ]
        )
    )
    follows = (("me", "ann"), ("me", "bob"), ("ann", "me"), ("ann", "cem"))
    acts = (
        ("bob", EventKind.LIKE, "by ann"),
        ("bob", EventKind.SHARE, "by ann"),
        ("bob", EventKind.LIKE, "by cem"),
        ("me", EventKind.COMMENT, "by cem"),
    )
    rows = [("follow", who, EventKind.FOLLOW, {"subject": whom}) for who, whom in follows]
    rows += [("act", who, kind, {"article": article}) for who, kind, article in acts]
    state.apply(
        state.encode_few(
            [
                Event(id=f"{i}", reader=who, kind=kind, at=NOW - HOUR + i, known_at=NOW - HOUR + i, **about)
                for i, (_, who, kind, about) in enumerate(rows)
            ],
            [],
        )
    )
    return state


POSTS = ("by ann", "by cem", "below cem", "anonymous")


def test_each_feature_states_its_fact() -> None:
    found = features(request(POSTS, state=network()))
    nan = np.nan
    expected = {
        "author_followed": [1, 0, 0, nan],
        "author_follows_you": [1, 0, 0, nan],
        "author_in_circle": [0, 0.5, 0, nan],
        "author_followers": [np.log(2), np.log(2), 0, nan],
        "author_attention": [0, 1, 0, nan],
        "author_openings": [0.1, 0.1, 0.1, nan],
        "circle_likes": [np.log(2), np.log(2), 0, 0],
        "conversation_depth": [0, 0, np.log(2), 0],
        "own_thread": [0, 1, 1, 0],
    }
    assert set(expected) == set(NAMES)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name)


def test_a_newspaper_has_no_social_features() -> None:
    found = features(request())
    assert all(np.isnan(found[name]).all() for name in NAMES)


def test_a_reader_whom_nobody_knows_has_an_empty_circle() -> None:
    assert circle_of(network(), -1, NOW) is NOBODY
    found = features(request(POSTS, reader="nobody", state=network()))
    assert found["author_followed"][:3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("days", "likes"), [(0, 2), (8, 0)])
def test_old_likes_of_the_circle_do_not_count(days: int, likes: int) -> None:
    state = network()
    circle = circle_of(state, state.readers.get("me"), NOW + days * 24 * HOUR)
    assert len(circle.liked) == likes


def test_saved_articles_stay_private() -> None:
    state = network()
    saved = Event(id="saved", reader="ann", kind=EventKind.SAVE, at=NOW - 1, known_at=NOW - 1, article="below cem")
    state.apply(state.encode_few([saved], []))
    circle = circle_of(state, state.readers.get("me"), NOW)
    assert state.articles.lookup(["below cem"])[0] not in circle.liked
