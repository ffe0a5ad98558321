"""Hand-made states and requests for tests of features."""

import numpy as np

from recsys.domain import DAY, HOUR, MINUTE, SECOND, Article, Event, EventKind, Slate
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.ranking.features.feature_set import ALL_FEATURES
from recsys.ranking.query import FloatArray, InterestScores, RankingContext
from recsys.state.live_state import LiveState

NOW = 20_000 * DAY + 6 * HOUR
"""A Sunday-to-Saturday day number 3 (Wednesday), six in the morning."""

CANDIDATES = ("hot", "cold", "old", "undated", "never met")


def made_up_state() -> LiveState:
    """`me` read 'read' (sport) for 100 s an hour ago, and was shown 'hot' twice; others click 'hot'."""
    state = LiveState()
    state.upsert_articles(
        articles_frame(
            [
                Article("hot", "Hot", None, None, "sport", "tennis", (), "wire", published_at=NOW - 2 * HOUR),
                Article("cold", "Cold news", category="world", published_at=NOW - HOUR, word_count=300),
                Article("old", "Old", category="sport", published_at=NOW - 10 * DAY, access="premium"),
                Article("undated", "Undated"),
                Article("read", "Read", category="sport", subcategory="tennis", source="wire"),
                Article("also read", "Also read", category="culture"),
            ]
        )
    )
    state.apply(state.encode(events_frame(_events()), slates_frame(_slates())))
    return state


def _events() -> list[Event]:
    others = [Event(f"c{i}", f"r{i}", EventKind.CLICK, NOW - 1, NOW - 1, "hot", request_id="q") for i in range(3)]
    mine = [
        Event("m0", "me", EventKind.CLICK, NOW - 5 * HOUR, NOW - 5 * HOUR, "also read"),
        Event(
            "m1", "me", EventKind.READ, NOW - HOUR + 100 * SECOND, NOW - HOUR + 100 * SECOND, "read", value=100.0
        ),
    ]
    return [*mine, *others]


def _slates() -> list[Slate]:
    return [
        Slate("s0", "me", NOW - 4 * HOUR, NOW - 4 * HOUR, ("hot", "undated")),
        Slate("s1", "me", NOW - 30 * MINUTE, NOW - 30 * MINUTE, ("hot", "cold")),
    ]


def request(
    candidates: tuple[str, ...] = CANDIDATES,
    reader: str = "me",
    positions: FloatArray | None = None,
    device: str | None = None,
    page: str | None = None,
    state: LiveState | None = None,
) -> RankingContext:
    """A request at `NOW`. Interest scores are the lengths of the ids."""
    state = state or made_up_state()
    scores = np.asarray([float(len(name)) for name in candidates])
    return RankingContext(
        state,
        NOW,
        state.rows_of(candidates),
        state.readers.get(reader),
        state.history(reader),
        state.history(reader).article,
        InterestScores(scores, scores / 2, scores / 4, scores / 8),
        device,
        state.articles.get(page),
        positions,
    )


def features(context: RankingContext) -> dict[str, FloatArray]:
    """Column by name."""
    return dict(zip(ALL_FEATURES.names, ALL_FEATURES.compute(context).T, strict=True))
