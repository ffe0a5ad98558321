import numpy as np
import pytest

from recsys.constants import WORDS_PER_MINUTE
from recsys.domain import MINUTE, EventKind
from recsys.state.live_state import LiveState
from recsys.state.reading_time import expected_read_seconds
from tests.unit.feed.newsrooms import NOW, did, folded, papers


def minutes(state: LiveState, *ids: str) -> np.ndarray:
    return expected_read_seconds(state, state.rows_of(ids), NOW) / 60


def test_unread_articles_take_as_long_as_they_are() -> None:
    state = folded(papers(1, word_count=int(2 * WORDS_PER_MINUTE)) + papers(0))
    assert minutes(state, "a000") == pytest.approx([2.0])


def test_articles_of_unknown_length_take_as_long_as_others_or_a_minute() -> None:
    unread = folded(papers(2, word_count=None))
    assert minutes(unread, "a000") == pytest.approx([1.0])
    reads = [did(f"r{i}", EventKind.READ, "a001", 2 * MINUTE, 180.0) for i in range(40)]
    assert minutes(folded(papers(2, word_count=None), reads), "a000") == pytest.approx([3.0], rel=1e-2)


def test_an_article_of_no_words_takes_as_long_as_any() -> None:
    assert minutes(folded(papers(1, word_count=0)), "a000") == pytest.approx([1.0])


def test_measured_reading_outweighs_the_length_as_it_grows() -> None:
    reads = [did(f"r{i}", EventKind.READ, "a000", 2 * MINUTE, 60.0) for i in range(27)]
    state = folded(papers(1, word_count=int(11 * WORDS_PER_MINUTE)), reads)
    assert minutes(state, "a000") == pytest.approx([(27 * 1 + 3 * 11) / 30], rel=1e-2)


def test_an_unknown_article_takes_as_long_as_any() -> None:
    assert minutes(folded(papers(1)), "never heard of") == pytest.approx([1.0])
