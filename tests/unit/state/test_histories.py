import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import DAY, MINUTE, SECOND
from recsys.state.event_codes import CLICKED, HIDDEN, LIKED, READ, SCROLLED
from recsys.state.histories import BEGINS, Histories, History

NOON = 20_000 * DAY + 12 * 60 * MINUTE


@pytest.fixture
def histories() -> Histories:
    made = Histories()
    made.rings.reserve(2)
    return made


def read(history: History) -> list[tuple[int, float, float, int]]:
    columns = (history.article, history.seconds, history.scroll, history.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_click_read_and_scroll_of_one_reading_are_one_entry(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    histories.record(0, 7, READ, NOON + 45 * SECOND, 45.0)
    histories.record(0, 7, SCROLLED, NOON + 45 * SECOND, 80.0)
    assert read(histories.of(0, 50)) == [(7, 45.0, 80.0, CLICKED | READ | SCROLLED)]
    assert histories.of(0, 50).opened.tolist() == [NOON]


def test_without_a_read_the_dwell_is_unknown_not_zero(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    history = histories.of(0, 50)
    assert np.isnan(history.seconds).all()
    assert np.isnan(history.scroll).all()


def test_a_read_alone_opened_when_it_began(histories: Histories) -> None:
    histories.record(0, 7, READ, NOON, 60.0)
    assert histories.of(0, 50).opened.tolist() == [NOON - MINUTE]


def test_a_long_read_joins_the_click_it_began_with(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    histories.record(0, 7, READ, NOON + 50 * MINUTE, 3_000.0)
    assert read(histories.of(0, 50))[0][::3] == (7, CLICKED | READ)


def test_another_visit_after_half_an_hour_is_another_entry(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    histories.record(0, 7, CLICKED, NOON + 30 * MINUTE, 0.0)
    histories.record(0, 7, LIKED, NOON + 61 * MINUTE, 0.0)
    assert [flags for *_, flags in read(histories.of(0, 50))] == [CLICKED, LIKED]


def test_behaviour_joins_the_newest_entry_of_its_article(histories: Histories) -> None:
    for minute in (0, 40):
        histories.record(0, 7, CLICKED, NOON + minute * MINUTE, 0.0)
    histories.record(0, 8, CLICKED, NOON + 41 * MINUTE, 0.0)
    histories.record(0, 7, HIDDEN, NOON + 42 * MINUTE, 0.0)
    assert [flags for *_, flags in read(histories.of(0, 50))] == [CLICKED, CLICKED | HIDDEN, CLICKED]


@pytest.mark.parametrize("between", [0, 7, 8])
def test_a_reading_is_joined_across_a_page(histories: Histories, between: int) -> None:
    histories.record(0, 99, CLICKED, NOON, 0.0)
    for article in range(between):
        histories.record(0, article, CLICKED, NOON, 0.0)
    histories.record(0, 99, LIKED, NOON + SECOND, 0.0)
    assert read(histories.of(0, 50))[0][::3] == (99, CLICKED | LIKED)


def test_values_are_capped_to_what_an_entry_holds(histories: Histories) -> None:
    histories.record(0, 7, READ, NOON, 1e6)
    histories.record(0, 8, SCROLLED, NOON, 140.0)
    assert [(seconds, scroll) for _, seconds, scroll, _ in read(histories.of(0, 50))] == [
        (65_535.0, pytest.approx(np.nan, nan_ok=True)),
        (pytest.approx(np.nan, nan_ok=True), 100.0),
    ]


def test_parts_of_a_reading_add_up(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    before = [histories.record(0, 7, READ, NOON + i * 10 * SECOND, 10.4) for i in range(1, 7)]
    assert before == pytest.approx([BEGINS, 10.4, 20.8, 31.2, 41.6, 52.0])
    assert read(histories.of(0, 50)) == [(7, 62.0, pytest.approx(np.nan, nan_ok=True), CLICKED | READ)]


def test_parts_without_a_click_and_sent_at_one_time_add_up(histories: Histories) -> None:
    for _ in range(6):
        histories.record(0, 7, READ, NOON, 10.0)
    assert [row[:2] for row in read(histories.of(0, 50))] == [(7, 60.0)]


def test_a_reading_in_parts_may_be_longer_than_half_an_hour(histories: Histories) -> None:
    histories.record(0, 7, CLICKED, NOON, 0.0)
    for minute in range(1, 91):
        histories.record(0, 7, READ, NOON + minute * MINUTE, 60.0)
        histories.record(0, 7, SCROLLED, NOON + minute * MINUTE, minute)
    histories.record(0, 7, LIKED, NOON + 91 * MINUTE, 0.0)
    assert read(histories.of(0, 50)) == [(7, 5_400.0, 90.0, CLICKED | READ | SCROLLED | LIKED)]


def test_after_half_an_hour_without_a_part_another_reading_begins(histories: Histories) -> None:
    for minute in (0, 20, 49, 79):
        histories.record(0, 7, READ, NOON + minute * MINUTE, 0.0 if minute == 79 else 1.0)
    assert [row[1] for row in read(histories.of(0, 50))] == [3.0, 0.0]


def test_a_click_between_begins_another_reading(histories: Histories) -> None:
    for kind, minute in ((CLICKED, 0), (READ, 1), (READ, 2), (CLICKED, 3), (READ, 4), (READ, 5)):
        before = histories.record(0, 7, kind, NOON + minute * MINUTE, 10.0)
        assert (before >= 0) == (minute in (2, 5))
    assert [row[1] for row in read(histories.of(0, 50))] == [20.0]


def test_each_of_two_clicks_has_a_read_of_its_own(histories: Histories) -> None:
    for kind, minute, seconds in ((CLICKED, 0, 0), (CLICKED, 1, 0), (READ, 2, 100), (READ, 3, 70)):
        assert histories.record(0, 7, kind, NOON + minute * MINUTE, seconds) == BEGINS
    assert [row[1] for row in read(histories.of(0, 50))] == [70.0]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 40), max_size=150), st.integers(1, 64))
def test_the_last_readings_are_kept_in_order(articles: list[int], most: int) -> None:
    histories = Histories()
    histories.rings.reserve(1)
    for hour, article in enumerate(articles):
        histories.record(0, article, CLICKED, NOON + hour * 60 * MINUTE, 0.0)
    assert histories.of(0, most).article.tolist() == articles[-most:]


def test_an_entry_reused_by_the_ring_starts_clean(histories: Histories) -> None:
    histories.record(0, 1, READ, NOON, 100.0)
    for article in range(2, 66):
        histories.record(0, article, CLICKED, NOON + article * MINUTE, 0.0)
    assert read(histories.of(0, 64))[-1] == (
        65,
        pytest.approx(np.nan, nan_ok=True),
        pytest.approx(np.nan, nan_ok=True),
        1,
    )


def test_readers_do_not_mix_and_strangers_have_no_history(histories: Histories) -> None:
    histories.record(0, 1, CLICKED, NOON, 0.0)
    assert len(histories.of(1, 50)) == len(histories.of(-1, 50)) == 0


def test_an_entry_takes_seventeen_bytes(histories: Histories) -> None:
    assert sum(array.itemsize for array in histories.fields.values()) == 17
