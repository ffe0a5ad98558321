"""Small logs for tests of the fold, ways to cut them, and what it means that two states are the same."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import polars as pl
from hypothesis import strategies as st

from recsys.domain import DAY, HOUR, MINUTE, SECOND, Article, Event, EventKind, Slate
from recsys.frames import articles_frame, events_frame, slates_frame
from recsys.state.live_state import FIRST_CATEGORY, LiveState

START = 20_000 * DAY
READERS = ("r0", "r1", "r2")
ARTICLES = ("a0", "a1", "a2", "a3", "a4", "a5")
CATALOG = articles_frame(
    [
        Article(id="a0", title="One", category="sport"),
        Article(id="a1", title="Two", category="sport"),
        Article(id="a2", title="Three", category="world"),
        Article(id="a3", title="Four"),
    ]
)
"""Two articles of the logs are never described."""

Log = tuple[pl.DataFrame, pl.DataFrame]

_KINDS = (
    EventKind.CLICK,
    EventKind.READ,
    EventKind.SCROLL,
    EventKind.LIKE,
    EventKind.HIDE,
    EventKind.IMPRESSION,
)
_GAPS = (0, 1, SECOND, 5 * MINUTE, HOUR, 17 * HOUR, 3 * DAY)
"""17 hours begin a new epoch of the shortest half-life."""

_rows = st.tuples(
    st.sampled_from(_GAPS),
    st.sampled_from(READERS),
    st.one_of(
        st.tuples(st.sampled_from(_KINDS), st.sampled_from(ARTICLES), st.floats(0, 900)),
        st.lists(st.sampled_from(ARTICLES), min_size=1, max_size=6, unique=True),
    ),
)


@st.composite
def logs(draw: st.DrawFn, most: int = 40) -> Log:
    """Events and slates in the fold's order, some of them at the same time."""
    rows = draw(st.lists(_rows, max_size=most))
    times = accumulate((gap for gap, _, _ in rows), initial=START)
    events, slates = [], []
    for i, (at, (_, reader, what)) in enumerate(zip(list(times)[1:], rows, strict=True)):
        if isinstance(what, tuple):
            kind, article, value = what
            quoted = f"q{i}" if i % 2 else None
            events.append(
                Event(
                    id=f"{i:03}",
                    reader=reader,
                    kind=kind,
                    at=at,
                    known_at=at,
                    article=article,
                    value=value,
                    request_id=quoted,
                )
            )
        else:
            slates.append(Slate(id=f"{i:03}", reader=reader, at=at, known_at=at, candidates=tuple(what)))
    return events_frame(events), slates_frame(slates)


def cuts(most: int = 40) -> st.SearchStrategy[list[int]]:
    """Places at which a log of at most `most` rows is cut."""
    return st.lists(st.integers(0, most), max_size=6).map(sorted)


def fold(state: LiveState, log: Log, at: Sequence[int] = ()) -> LiveState:
    """Fold `log` into `state`, cut in front of its rows number `at`."""
    rank = pl.col("id").cast(pl.Int64)
    for start, end in pairwise([0, *at, 1_000]):
        events, slates = (part.filter(rank.is_between(start, end, closed="left")) for part in log)
        state.apply(state.encode(events, slates))
    return state


def fresh(described: bool = True) -> LiveState:
    """A state that knows the catalog, or nothing."""
    state = LiveState()
    if described:
        state.upsert_articles(CATALOG)
    return state


def assert_same(one: LiveState, two: LiveState, rtol: float = 0.0) -> None:
    """Equal by ids, since dense ids depend on who came first. Below 1e-300 floats are too coarse to compare."""
    assert one.known_at == two.known_at
    for article in {*one.articles.strings, *two.articles.strings}:
        a, b = one.articles.get(article), two.articles.get(article)
        np.testing.assert_allclose(one.counters.articles[a], two.counters.articles[b], rtol=rtol, atol=1e-300)
        assert one.first_shown[a] == two.first_shown[b]
        assert one.elo.articles[a].tolist() == two.elo.articles[b].tolist()
    for group_a, group_b in _groups(one, two):
        np.testing.assert_allclose(
            one.counters.groups[group_a], two.counters.groups[group_b], rtol=rtol, atol=1e-300
        )
    for reader in {*one.readers.strings, *two.readers.strings}:
        assert read_by(one, reader) == read_by(two, reader)
        assert shown_to(one, reader) == shown_to(two, reader)
        assert met_by(one, reader) == met_by(two, reader)


def read_by(state: LiveState, reader: str) -> list[tuple[str, int, float | None, float | None, int]]:
    """Readings of `reader`, oldest first: article, opened, seconds, scroll, flags."""
    history = state.history(reader, 64)
    columns = (history.opened.tolist(), _maybe(history.seconds), _maybe(history.scroll), history.flags.tolist())
    names = [state.articles.strings[row] for row in history.article]
    return list(zip(names, *columns, strict=True))


def shown_to(state: LiveState, reader: str) -> list[tuple[str, int]]:
    """Return the articles shown to `reader` with their times, oldest first."""
    articles, times = state.exposures.of(state.readers.get(reader))
    return [(state.articles.strings[row], at) for row, at in zip(articles, times.tolist(), strict=True)]


def met_by(state: LiveState, reader: str) -> list[tuple[str, int, int]]:
    """Exposures of `reader`, oldest first: article, place from 1 (0: no order), outcome."""
    met = state.exposures.outcomes(state.readers.get(reader))
    columns = (met.place.tolist(), met.outcome.tolist())
    return list(zip((state.articles.strings[row] for row in met.article), *columns, strict=True))


def _groups(one: LiveState, two: LiveState) -> list[tuple[int, int]]:
    names = {*one.catalog.categories.strings, *two.catalog.categories.strings}
    known = [(one.catalog.categories.get(name), two.catalog.categories.get(name)) for name in names]
    return [(0, 0), (1, 1), *((a + FIRST_CATEGORY, b + FIRST_CATEGORY) for a, b in known if min(a, b) >= 0)]


def _maybe(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
