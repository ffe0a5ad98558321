"""Hand-made states and requests for tests of features."""

import numpy as np

from recsys.domain import DAY, HOUR, MINUTE, SECOND, Article, Event, EventKind, Slate
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import Candidates, FeatureInput, FloatArray, InterestScores, Query
from recsys.ranking.social_circle import circle_of
from recsys.state.live_state import LiveState
from recsys.user_model.matcher import ReadHistory

NOW = 20_000 * DAY + 6 * HOUR
"""A Sunday-to-Saturday day number 3 (Wednesday), six in the morning."""

CANDIDATES = ("hot", "cold", "old", "undated", "never met")


def made_up_state() -> LiveState:
    """`me` read 'read' (sport) for 100 s an hour ago, and was shown 'hot' twice; others click 'hot'."""
    state = LiveState()
    state.upsert_articles(
        articles_frame(
            [
                Article(
                    id="hot",
                    title="Hot",
                    category="sport",
                    subcategory="tennis",
                    source="wire",
                    published_at=NOW - 2 * HOUR,
                ),
                Article(id="cold", title="Cold news", category="world", published_at=NOW - HOUR, word_count=300),
                Article(id="old", title="Old", category="sport", published_at=NOW - 10 * DAY, access="premium"),
                Article(id="undated", title="Undated"),
                Article(id="read", title="Read", category="sport", subcategory="tennis", source="wire"),
                Article(id="also read", title="Also read", category="culture"),
            ]
        )
    )
    state.apply(state.encode(events_frame(_events()), slates_frame(_slates())))
    return state


def _events() -> list[Event]:
    others = [
        Event(
            id=f"c{i}",
            reader=f"r{i}",
            kind=EventKind.CLICK,
            at=NOW - 1,
            known_at=NOW - 1,
            article="hot",
            request_id="q",
        )
        for i in range(3)
    ]
    mine = [
        Event(
            id="m0",
            reader="me",
            kind=EventKind.CLICK,
            at=NOW - 5 * HOUR,
            known_at=NOW - 5 * HOUR,
            article="also read",
        ),
        Event(
            id="m1",
            reader="me",
            kind=EventKind.READ,
            at=NOW - HOUR + 100 * SECOND,
            known_at=NOW - HOUR + 100 * SECOND,
            article="read",
            value=100.0,
        ),
    ]
    return [*mine, *others]


def _slates() -> list[Slate]:
    return [
        Slate(id="s0", reader="me", at=NOW - 4 * HOUR, known_at=NOW - 4 * HOUR, candidates=("hot", "undated")),
        Slate(id="s1", reader="me", at=NOW - 30 * MINUTE, known_at=NOW - 30 * MINUTE, candidates=("hot", "cold")),
    ]


def request(
    candidates: tuple[str, ...] = CANDIDATES,
    reader: str = "me",
    positions: FloatArray | None = None,
    device: str | None = None,
    page: str | None = None,
    state: LiveState | None = None,
) -> FeatureInput:
    """A request at `NOW`. Interest scores are the lengths of the ids."""
    state = state or made_up_state()
    scores = np.asarray([float(len(name)) for name in candidates])
    query = Query(
        request_id="q",
        as_of=NOW,
        reader=state.readers.get(reader),
        history=state.history(reader),
        interactions=state.history(reader).article,
        reads=ReadHistory.of(np.zeros((0, 1), np.float32), *(np.zeros(0) for _ in range(3))),
        read_places=np.zeros(0, dtype=np.intp),
        device=device,
        context_article=state.articles.get(page),
        circle=circle_of(state, state.readers.get(reader), NOW),
    )
    found = Candidates(
        rows=state.rows_of(candidates),
        interest=InterestScores(*(scores / 2**part for part in range(8))),
        positions=positions,
    )
    return FeatureInput(state, query, found)


def features(inputs: FeatureInput) -> dict[str, FloatArray]:
    """Column by name."""
    return dict(zip(ALL_FEATURES.names, ALL_FEATURES.compute(inputs).T, strict=True))
