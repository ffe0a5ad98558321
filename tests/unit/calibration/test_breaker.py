import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.calibration.breaker import FLOOD, LEAST, WINDOW, Breaker

RATE = 0.05


def counted(breaker: Breaker, words: list[int], flagged: list[int]) -> Breaker:
    breaker.count(np.asarray(words), np.asarray(flagged))
    return breaker


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=2 * LEAST))
def test_it_opens_exactly_when_enough_texts_have_too_many_flags(texts: list[tuple[int, int]]) -> None:
    words, flagged = [a for a, _ in texts], [min(a, b) for a, b in texts]
    flood = len(texts) >= LEAST and sum(flagged) / max(sum(words), 1) > FLOOD * RATE
    assert counted(Breaker(RATE), words, flagged).open == flood


def test_only_the_newest_texts_count() -> None:
    breaker = counted(Breaker(RATE), [10] * WINDOW, [0] * WINDOW)
    counted(breaker, [10] * 100, [10] * 100)
    assert not breaker.open, "a tenth of the window"
    assert counted(breaker, [10] * 100, [10] * 100).open


def test_the_first_reason_stays_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    breaker = Breaker(RATE)
    assert not breaker.open
    breaker.trip("first", ValueError("why"))
    breaker.trip("second")
    assert breaker.reason == "first"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "first" in record.message
    assert record.exc_info is not None
