import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.constants import HALF_LIVES
from recsys.domain import DAY, HOUR, MINUTE, SECOND, Article, Event, EventKind, Slate
from recsys.errors import OrderError
from recsys.frames import EVENTS, SLATES, articles_frame, empty, events_frame, slates_frame
from recsys.state.catalog import NEVER
from recsys.state.event_codes import (
    ATTRIBUTED_CLICKS,
    CLICKS,
    COUNTERS,
    EXAMINED,
    HIDES,
    IMPRESSIONS,
    LIKES,
    READ_SECONDS,
    READS,
)
from recsys.state.live_state import FIRST_CATEGORY, GLOBAL_GROUP, NO_CATEGORY, LiveState
from tests.unit.state.logs import CATALOG, START, Log, assert_same, cuts, fold, fresh, logs, read_by, shown_to
from tests.unit.state.readings import plain_parts

COUNTED = {"click": CLICKS, "like": LIKES, "hide": HIDES}


def apply(state: LiveState, events: list[Event], slates: list[Slate] | None = None) -> LiveState:
    state.apply(state.encode(events_frame(events), slates_frame(slates or [])))
    return state


def event(kind: str, at: int = START, article: str | None = "a0", **more: object) -> Event:
    return Event(
        id=f"{kind}{at}{article}", reader="r", kind=EventKind(kind), at=at, known_at=at, article=article, **more
    )  # type: ignore[arg-type]


def counts(state: LiveState, article: str, at: int = START) -> np.ndarray:
    return state.counters.read(state.rows_of([article]), at)[0, :, -1]


@settings(deadline=None, max_examples=60)
@given(log=logs(), at=cuts())
def test_any_cut_of_the_log_gives_the_same_state_bit_for_bit(log: Log, at: list[int]) -> None:
    assert_same(fold(fresh(), log, at), fold(fresh(), log))


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_row_by_row_gives_the_same_state_as_all_at_once(log: Log) -> None:
    assert_same(fold(fresh(), log, range(40)), fold(fresh(), log))


@settings(deadline=None, max_examples=40)
@given(log=logs())
def test_catalog_may_come_before_or_after_behaviour(log: Log) -> None:
    late = fold(fresh(described=False), log)
    late.upsert_articles(CATALOG)
    assert_same(late, fold(fresh(), log), rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(log=logs(), later=st.integers(1, 30 * DAY))
def test_counters_equal_the_plain_sum_of_decayed_events(log: Log, later: int) -> None:
    state = fold(fresh(), log, [7, 20])
    as_of = max(state.known_at, START) + later
    expected = np.zeros((len(state.articles), COUNTERS, len(HALF_LIVES)))
    for article, counter, at, weight in [*plain(log), *plain_reads(log[0])]:
        decay = 0.5 ** ((as_of - at) / np.asarray(HALF_LIVES, dtype=np.float64))
        expected[state.articles.get(article), counter] += weight * decay
    found = state.counters.read(np.arange(len(state.articles)), as_of)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)
    everything = state.counters.read_groups(np.asarray([GLOBAL_GROUP]), as_of)[0]
    np.testing.assert_allclose(everything, expected.sum(axis=0), rtol=1e-6, atol=1e-30)


def plain(log: Log) -> list[tuple[str, int, int, float]]:
    """Return the counted rows of `log`, one by one: article, counter, time, weight."""
    events, slates = log
    shown = [(a, s["at"]) for s in slates.iter_rows(named=True) for a in s["candidates"]]
    shown += [(e["article"], e["at"]) for e in events.iter_rows(named=True) if e["kind"] == "impression"]
    # the slates of these logs have no order: all that was shown counts as looked at
    out = [(article, counter, at, 1.0) for article, at in shown for counter in (IMPRESSIONS, EXAMINED)]
    for row in events.iter_rows(named=True):
        if row["kind"] in COUNTED:
            out.append((row["article"], COUNTED[row["kind"]], row["at"], 1.0))
        if row["kind"] == "click" and row["request_id"] is not None:
            out.append((row["article"], ATTRIBUTED_CLICKS, row["at"], 1.0))
    return out


def plain_reads(events: pl.DataFrame) -> list[tuple[str, int, int, float]]:
    """Return the counted reads: the parts of a reading add up to one, of ten minutes at most."""
    out = []
    for row, before in zip(events.iter_rows(named=True), plain_parts(events), strict=True):
        if row["kind"] == "read":
            article, at, total = row["article"], row["at"], (before or 0.0) + row["value"]
            out.append((article, READS, at, 1.0 if before is None else 0.0))
            out.append((article, READ_SECONDS, at, min(total, 600.0) - min(before or 0.0, 600.0)))
    return out


def test_groups_count_articles_of_their_category_and_those_without() -> None:
    events = [event("click", article=name) for name in ("a0", "a1", "a2", "a3", "a5")]
    state = apply(fresh(), events)
    sport = state.catalog.categories.get("sport") + FIRST_CATEGORY
    clicks = state.counters.read_groups(np.asarray([GLOBAL_GROUP, NO_CATEGORY, sport]), START)[:, CLICKS, -1]
    assert clicks.tolist() == [5, 2, 2]


def test_an_article_that_changes_category_takes_its_counts_along() -> None:
    state = apply(fresh(), [event("click"), event("click", START + 1, "a1")])
    state.upsert_articles(articles_frame([Article(id="a0", title="One", category="world")]))
    groups = [state.catalog.categories.get(name) + FIRST_CATEGORY for name in ("sport", "world")]
    assert state.counters.read_groups(np.asarray(groups), START)[:, CLICKS, -1] == pytest.approx([1, 1])


def test_every_candidate_of_a_slate_is_one_exposure() -> None:
    slate = Slate(id="s", reader="r", at=START, known_at=START, candidates=("a0", "a1"))
    state = apply(fresh(), [event("impression", START + HOUR)], [slate])
    assert shown_to(state, "r") == [("a0", START), ("a1", START), ("a0", START + HOUR)]
    assert counts(state, "a1")[IMPRESSIONS] == pytest.approx(1)
    assert state.first_shown[state.rows_of(["a0"])[0]] == START
    assert read_by(state, "r") == []


def test_a_read_counts_its_seconds_up_to_ten_minutes() -> None:
    state = apply(fresh(), [event("read", value=30.0), event("read", article="a1", value=5_000.0)])
    assert counts(state, "a0")[[READS, READ_SECONDS]] == pytest.approx([1, 30])
    assert counts(state, "a1")[[READS, READ_SECONDS]] == pytest.approx([1, 600])


def test_a_reading_in_parts_is_one_read_with_all_its_seconds() -> None:
    parts = [event("read", START + i * 10 * SECOND, value=10.0) for i in range(1, 7)]
    for cut in range(7):
        state = apply(apply(fresh(), [event("click"), *parts[:cut]]), parts[cut:])
        found = counts(state, "a0", START + MINUTE)[[CLICKS, READS, READ_SECONDS]]
        assert found == pytest.approx([1, 1, 60], rel=1e-3)
        assert read_by(state, "r") == [("a0", START, 60.0, None, 3)]


def test_the_seconds_of_a_reading_in_parts_are_capped_together() -> None:
    parts = [event("read", START + i * MINUTE, value=400.0) for i in range(3)]
    assert counts(apply(fresh(), parts), "a0", START + MINUTE)[READ_SECONDS] == pytest.approx(600, rel=1e-3)


def test_a_scroll_changes_history_but_no_counter() -> None:
    state = apply(fresh(), [event("scroll", value=80.0)])
    assert not counts(state, "a0").any()
    assert read_by(state, "r") == [("a0", START, None, 80.0, 4)]


@pytest.mark.parametrize("kind", ["save", "share", "comment"])
def test_approval_of_any_kind_counts_as_a_like(kind: str) -> None:
    assert counts(apply(fresh(), [event(kind)]), "a0")[LIKES] == pytest.approx(1)


def test_preferences_and_events_without_article_change_only_what_is_followed() -> None:
    state = apply(fresh(), [event("follow", article=None, subject="sport"), event("click", article=None)])
    assert not state.counters.groups.any()
    assert state.readers.strings == ["r"]
    assert [state.catalog.authors.strings[code] for code in state.follows.subjects_of(0)] == ["sport"]


def test_rows_behind_the_watermark_are_refused_and_change_nothing() -> None:
    state = apply(fresh(), [event("click", START + HOUR)])
    with pytest.raises(OrderError, match="refold"):
        apply(state, [event("click", START)])
    assert counts(state, "a0", START + HOUR)[CLICKS] == pytest.approx(1)


@given(logs(), st.booleans())
@settings(deadline=None)
def test_a_few_rows_as_values_are_the_batch_that_frames_are(log: Log, ordered: bool) -> None:
    events, slates = log[0], log[1].with_columns(ordered=pl.lit(ordered))
    framed, plain = fresh(), fresh()
    one = framed.encode(events, slates)
    two = plain.encode_few(
        [Event(**{**row, "kind": EventKind(row["kind"])}) for row in events.to_dicts()],
        [Slate(**{**row, "candidates": tuple(row["candidates"])}) for row in slates.to_dicts()],
    )
    for part, same in ((one.behaviours, two.behaviours), (one.shown, two.shown)):
        for name in part.__slots__:
            np.testing.assert_array_equal(getattr(part, name), getattr(same, name))
            assert getattr(part, name).dtype == getattr(same, name).dtype
    assert framed.readers.strings == plain.readers.strings
    assert framed.articles.strings == plain.articles.strings


def test_rows_at_the_watermark_are_still_in_order() -> None:
    state = apply(apply(fresh(), [event("click")]), [event("like")])
    assert counts(state, "a0")[[CLICKS, LIKES]] == pytest.approx([1, 1])


def test_an_empty_batch_changes_nothing() -> None:
    state = fresh()
    state.apply(state.encode(empty(EVENTS), empty(SLATES)))
    assert state.known_at == 0


def test_ids_never_met_are_the_unknown_article_with_nothing_known() -> None:
    state = apply(fresh(), [event("click")])
    assert state.rows_of(["nobody", "a0"])[0] == 0
    assert not counts(state, "nobody").any()
    assert len(state.history("nobody")) == len(state.history(None)) == 0


def test_available_since_published_else_first_shown_else_never() -> None:
    state = LiveState()
    state.upsert_articles(
        articles_frame([Article(id="dated", title="x", published_at=5), Article(id="undated", title="y")])
    )
    apply(state, [], [Slate(id="s", reader="r", at=START, known_at=START, candidates=("dated", "undated"))])
    assert state.available_since(state.rows_of(["dated", "undated", "other"])).tolist() == [5, START, NEVER]


def test_thousands_of_articles_and_readers_fit() -> None:
    clicks = [
        Event(id=f"{i:05}", reader=f"r{i}", kind=EventKind.CLICK, at=START, known_at=START, article=f"a{i}")
        for i in range(3_000)
    ]
    state = apply(fresh(), clicks)
    assert read_by(state, "r2999") == [("a2999", START, None, None, 1)]
    assert counts(state, "a2999")[CLICKS] == pytest.approx(1)
