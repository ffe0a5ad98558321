from itertools import count

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.domain import DAY, MINUTE, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.labels.dwell_baseline import deep_read_seconds
from recsys.labels.grading import grade
from recsys.labels.label_rule import LabelRule

NOON = 20_000 * DAY
_NUMBER = count()
_WORDS = pl.DataFrame({"id": ["a", "b"], "word_count": [238, None]})

RULE = LabelRule(earlier=4)


def read(seconds: float | None, reader: str = "r", article: str = "a", at: int = NOON) -> Event:
    return Event(
        id=f"{next(_NUMBER):06}",
        reader=reader,
        kind=EventKind.READ,
        at=at,
        known_at=at,
        article=article,
        value=seconds,
    )


def thresholds(events: list[Event], rule: LabelRule = RULE) -> list[float]:
    found = deep_read_seconds(events_frame(events), _WORDS, rule)
    assert found["id"].to_list() == [event.id for event in sorted(events, key=lambda e: (e.known_at, e.id))]
    return found["deep"].to_list()


def readers(seconds: float, most: int) -> list[Event]:
    """One reading each by `most` readers."""
    return [read(seconds, f"r{number}", at=NOON + number) for number in range(most)]


def test_the_first_reading_is_judged_by_length_alone() -> None:
    assert thresholds([read(500.0)]) == [pytest.approx(0.6 * 60)]
    assert thresholds([read(500.0, article="b")]) == [pytest.approx(0.6 * RULE.expected_default)]


def test_readings_of_an_article_draw_what_it_takes_to_their_median() -> None:
    found = thresholds([*readers(50.0, 9), read(50.0, "new", at=NOON + 9)])
    assert found == sorted(found)
    assert found[-1] == pytest.approx((5 * 36 + 4 * 50) / 9), "the length weighs five readings, four are looked at"


def test_readers_who_usually_read_longer_need_longer_reads() -> None:
    slow = [read(60.0, "slow", article, at=NOON + place) for place, article in enumerate("abab")]
    here = [read(60.0, "slow", "c", NOON + 9), read(60.0, "other", "c", NOON + 10)]
    mine, theirs = thresholds([*slow, *here], LabelRule(prior=1.0))[-2:]
    assert mine > 36.0
    assert mine > theirs


def test_no_habit_moves_the_time_beyond_its_bounds() -> None:
    rule = LabelRule(prior=0.001)
    fast = thresholds([read(9.0, at=NOON + place, article=f"{place}") for place in range(20)], rule)
    slow = thresholds([read(9_000.0, at=NOON + place, article=f"{place}") for place in range(20)], rule)
    assert fast[-1] == pytest.approx(36.0 * rule.least_pace)
    assert slow[-1] == pytest.approx(36.0 * rule.most_pace)


def test_bounces_are_no_habit() -> None:
    bounces = [read(2.0, at=NOON + place) for place in range(4)]
    assert thresholds([*bounces, read(30.0, at=NOON + 9)])[-1] == pytest.approx(36.0)


def test_a_reading_of_unknown_length_is_not_judged() -> None:
    assert thresholds([]) == []
    assert deep_read_seconds(events_frame([read(None)]), _WORDS, RULE).is_empty()


_READINGS = st.lists(
    st.tuples(st.sampled_from("rst"), st.sampled_from("abc"), st.floats(0, 700), st.integers(0, 5)), max_size=25
)


def plainly(events: list[Event], rule: LabelRule) -> list[float]:
    """The same, one reading after the other."""
    words = {"a": 238.0, "b": None}
    of_article: dict[str, list[float | None]] = {}
    of_reader: dict[str, list[float | None]] = {}
    found = []

    def drawn(values: list[float | None], prior: float) -> float:
        kept = [value for value in values[-rule.earlier :] if value is not None]
        middle = float(np.quantile(kept, rule.quantile)) if kept else 0.0
        return (rule.prior * prior + len(kept) * middle) / (rule.prior + len(kept))

    for event in sorted(events, key=lambda e: (e.known_at, e.id)):
        assert event.article is not None and event.value is not None
        length = words.get(event.article)
        expected = rule.expected_default if length is None else float(rule.expected(np.asarray([length]))[0])
        articles = of_article.setdefault(event.article, [])
        mine = of_reader.setdefault(event.reader, [])
        bounds = rule.deep_share * rule.expected_least, rule.deep_share * rule.expected_most
        usual = float(np.clip(drawn(articles, rule.deep_share * expected), *bounds))
        pace = float(np.clip(drawn(mine, 1.0), rule.least_pace, rule.most_pace))
        found.append(usual * pace)
        seconds = min(event.value, rule.longest)
        stayed = seconds if seconds >= rule.bounce_seconds else None
        articles.append(stayed)
        mine.append(None if stayed is None else stayed / usual)
    return found


@given(_READINGS)
def test_it_equals_a_plain_loop(drawn: list[tuple[str, str, float, int]]) -> None:
    events = [read(seconds, reader, article, NOON + at) for reader, article, seconds, at in drawn]
    assert thresholds(events) == pytest.approx(plainly(events, RULE))


@given(_READINGS, st.integers(0, 5))
def test_later_readings_change_nothing(drawn: list[tuple[str, str, float, int]], now: int) -> None:
    events = [read(seconds, reader, article, NOON + at) for reader, article, seconds, at in drawn]
    before = [event for event in events if event.known_at <= NOON + now]
    assert thresholds(events)[: len(before)] == thresholds(before)


@given(_READINGS, st.floats(0, 300), st.floats(0, 300))
def test_reading_longer_never_grades_lower(
    drawn: list[tuple[str, str, float, int]], one: float, other: float
) -> None:
    earlier = [read(seconds, reader, article, NOON + at) for reader, article, seconds, at in drawn]
    slate = Slate(id="s", reader="r", at=NOON + MINUTE, known_at=NOON + MINUTE, candidates=("a",))

    def graded(seconds: float) -> int:
        events = [*earlier, read(seconds, at=slate.at + 10 * MINUTE)]
        frame = grade(slates_frame([slate]), events_frame(events), _WORDS, NOON + DAY)
        return int(frame["labels"].to_list()[0][0])

    assert graded(min(one, other)) <= graded(max(one, other))
