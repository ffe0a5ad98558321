import numpy as np
import pytest
from polars.testing import assert_frame_equal

from recsys.frames import EVENTS, SLATES, empty
from recsys.simulate.behaviour import Clicks
from recsys.simulate.history import History
from recsys.simulate.newsroom import publish
from recsys.simulate.policy import Shown
from recsys.simulate.readers import recruit
from recsys.simulate.simulated_log import events_frame, slates_frame

NEWSROOM = publish(10, 1, start=0, rng=np.random.default_rng(0))
READERS = recruit(3, np.random.default_rng(0))


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@pytest.fixture
def history() -> History:
    """Reader 2 sees articles 4 and 1, then reader 0 sees 3, 5 and 4; the first slate gets two clicks."""
    article = np.array([[4, 1, -1], [3, 5, 4]])
    score = np.array([[0.5, 0.25, 0.0], [0.3, 0.2, 0.1]])
    clicks = Clicks(
        slate=ints(0, 0),
        reader=ints(2, 2),
        article=ints(4, 1),
        position=ints(0, 1),
        at=ints(2_000_000, 60_000_000),
        seconds=np.array([30.5, 4.0]),
        scroll=np.array([80.0, 3.0]),
        bounced=np.array([False, True]),
    )
    return History(ints(2, 0), ints(0, 90_000_000), ints(7, 8), Shown(article, score, 2 * score), clicks)


def test_slates_keep_display_order_without_padding(history: History) -> None:
    frame = slates_frame(history, READERS, NEWSROOM)
    assert dict(frame.schema) == SLATES
    assert frame["id"].to_list() == ["s0000000", "s0000001"]
    assert frame["reader"].to_list() == ["r00002", "r00000"]
    assert frame["candidates"].to_list() == [["a000004", "a000001"], ["a000003", "a000005", "a000004"]]
    assert frame["propensities"].to_list() == [[1.0, 0.5], [0.6, 0.4, 0.2]]
    assert frame["session"].to_list() == ["v0000007", "v0000008"]


def test_each_click_has_a_read_and_a_scroll_when_the_reading_ends(history: History) -> None:
    frame = events_frame(history, READERS, NEWSROOM, {})
    assert dict(frame.schema) == EVENTS
    rows = frame.select("kind", "article", "at", "value", "position").rows()
    assert rows == [
        ("click", "a000004", 2_000_000, None, 0),
        ("read", "a000004", 32_500_000, 30.5, 0),
        ("scroll", "a000004", 32_500_000, 80.0, 0),
        ("click", "a000001", 60_000_000, None, 1),
        ("read", "a000001", 64_000_000, 4.0, 1),
        ("scroll", "a000001", 64_000_000, 3.0, 1),
    ]
    assert set(frame["request_id"]) == {"s0000000"}


def test_reactions_come_shortly_after_the_reading(history: History) -> None:
    reactions = {"like": np.array([True, False]), "hide": np.array([False, True])}
    frame = events_frame(history, READERS, NEWSROOM, reactions)
    stated = frame.filter(frame["kind"].is_in(["like", "hide"])).select("id", "at").rows()
    assert stated == [("s0000000:like:0", 34_500_000), ("s0000000:hide:1", 66_000_000)]


def test_nothing_happened_gives_empty_frames(history: History) -> None:
    floats, none = np.zeros(0), ints()
    blank = Shown(np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 3)))
    clicks = Clicks(none, none, none, none, none, floats, floats, np.zeros(0, dtype=bool))
    nothing = History(none, none, none, blank, clicks)
    assert_frame_equal(slates_frame(nothing, READERS, NEWSROOM), empty(SLATES))
    assert_frame_equal(events_frame(nothing, READERS, NEWSROOM, {}), empty(EVENTS))
