"""Entity features: shares of the reader's attention to what the candidates are about."""

import numpy as np

from recsys.domain import HOUR, Article, Event, EventKind
from recsys.frames import articles_frame
from recsys.ranking.features.entities import NAMES
from recsys.state.live_state import LiveState
from tests.unit.ranking.requests import NOW, features, request

ENTITIES = {
    "read": ("Ada Lovelace", "London"),
    "also read": ("london ", "Paris"),
    "same person": ("ada lovelace",),
    "both": ("Ada Lovelace", "London"),
    "new": ("Grace Hopper",),
    "untagged": (),
}


def newsroom(entities: dict[str, tuple[str, ...]]) -> LiveState:
    """`me` opened the articles "read" and "also read", an hour ago."""
    state = LiveState()
    articles = [Article(id=id_, title=id_, entities=names) for id_, names in entities.items()]
    state.upsert_articles(articles_frame(articles))
    at = NOW - HOUR
    events = [
        Event(id=id_, reader="me", kind=EventKind.CLICK, at=at, known_at=at + place, article=id_)
        for place, id_ in enumerate(("read", "also read"))
    ]
    state.apply(state.encode_few(events, []))
    return state


CANDIDATES = ("same person", "both", "new", "untagged")


def test_each_feature_states_its_share_of_the_reading() -> None:
    found = features(request(CANDIDATES, state=newsroom(ENTITIES)))
    nan = np.nan
    expected = {
        "entity_attention": [0.5, 1, 0, nan],
        "entity_attention_sum": [0.5, 1.5, 0, nan],
        "entity_share_recent": [0.5, 1, 0, nan],
        "entity_attention_listwise": [0.5, 5 / 6, 1 / 6, nan],
    }
    assert set(expected) == set(NAMES)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name)


def test_a_log_without_entities_has_no_entity_features() -> None:
    found = features(request(CANDIDATES, state=newsroom(dict.fromkeys(ENTITIES, ()))))
    assert all(np.isnan(found[name]).all() for name in NAMES)


def test_a_reader_without_a_history_has_no_entity_features() -> None:
    found = features(request(CANDIDATES, reader="nobody", state=newsroom(ENTITIES)))
    assert all(np.isnan(found[name]).all() for name in NAMES)
