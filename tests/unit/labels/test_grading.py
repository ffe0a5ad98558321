from collections.abc import Sequence
from itertools import count

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.domain import DAY, HOUR, MINUTE, SECOND, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.labels.grading import LabelRule, grade

NOON = 20_000 * DAY
AFTER = NOON + DAY
_NUMBER = count()


def did(
    kind: str, value: float | None = None, article: str = "a", at: int = NOON + 10 * MINUTE, **more: object
) -> Event:
    """Something the reader did; a read or scroll quotes when the reading ended."""
    options = {"reader": "r", "request_id": None, "known_at": at, **more}
    return Event(id=f"{next(_NUMBER)}", kind=EventKind(kind), at=at, article=article, value=value, **options)  # type: ignore[arg-type]


def labels(
    events: Sequence[Event],
    slates: Sequence[Slate] = (Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a", "b")),),
    until: int = AFTER,
    words: int | None = None,
    rule: LabelRule | None = None,
) -> list[list[int]]:
    known = pl.DataFrame({"id": ["a"], "word_count": [words]}, schema={"id": pl.String, "word_count": pl.Int64})
    graded = grade(slates_frame(slates), events_frame(events), known, until, rule)
    assert graded.columns == ["id", "labels", "seconds"]
    assert graded["seconds"].list.len().to_list() == graded["labels"].list.len().to_list()
    assert graded["id"].to_list() == [slate.id for slate in slates]
    return graded["labels"].to_list()


def grade_of(*events: Event, words: int | None = None) -> int:
    return labels(events, words=words)[0][0]


def test_passed_over_articles_have_grade_zero() -> None:
    assert labels([]) == [[0, 0]]


def test_a_click_with_nothing_known_of_the_reading_is_two() -> None:
    assert labels([did("click")]) == [[2, 0]]


def test_a_short_read_hardly_scrolled_is_a_bounce() -> None:
    assert grade_of(did("click"), did("read", 7.9)) == 1
    assert grade_of(did("click"), did("read", 7.9), did("scroll", 49.0)) == 1
    assert grade_of(did("click"), did("read", 7.9), did("scroll", 50.0)) == 2


def test_a_read_of_some_seconds_is_two() -> None:
    assert grade_of(did("click"), did("read", 8.0)) == 2


@pytest.mark.parametrize(("words", "enough"), [(None, 36.0), (238, 36.0), (476, 72.0), (5_000, 72.0), (20, 12.0)])
def test_deep_is_sixty_percent_of_the_articles_own_time(words: int | None, enough: float) -> None:
    assert grade_of(did("read", enough + 0.01), words=words) == 3
    assert grade_of(did("read", enough - 0.01), words=words) == 2


def test_scrolled_to_the_end_in_a_third_of_the_time_is_deep() -> None:
    assert grade_of(did("read", 20.0), did("scroll", 90.0)) == 3
    assert grade_of(did("read", 19.9), did("scroll", 90.0)) == 2
    assert grade_of(did("read", 20.0), did("scroll", 89.0)) == 2


def test_several_reads_of_one_slate_add_up() -> None:
    assert grade_of(did("read", 20.0), did("read", 20.0)) == 3


def test_parts_of_a_reading_are_graded_by_their_sum_and_teach_one_dwell() -> None:
    parts = [did("read", 10.0, at=NOON + 10 * MINUTE + i * 10 * SECOND) for i in range(1, 7)]
    slate = Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a", "b"))
    words = pl.DataFrame({"id": ["a"], "word_count": [238]})
    whole = [did("click"), did("read", 60.0, at=NOON + 11 * MINUTE)]
    later = [did("click", at=NOON + 3 * HOUR), did("read", 30.0, at=NOON + 3 * HOUR + MINUTE)]
    again = Slate(id="t", reader="r", at=NOON + 3 * HOUR - MINUTE, known_at=NOON + 3 * HOUR, candidates=("a",))
    one, other = (
        grade(slates_frame([slate, again]), events_frame([*events, *later]), words, AFTER)
        for events in ([did("click"), *parts], whole)
    )
    assert one.equals(other)
    assert one["seconds"][0][0] == 60.0
    assert one["labels"][0][0] == 3


def test_a_reading_in_parts_belongs_to_the_slate_before_its_first_part() -> None:
    parts = [did("read", 60.0, at=NOON + minute * MINUTE) for minute in range(20, 45)]
    newer = Slate(id="t", reader="r", at=NOON + 30 * MINUTE, known_at=NOON + 30 * MINUTE, candidates=("a",))
    older = Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a",))
    assert labels(parts, [older, newer]) == [[3], [0]]


@pytest.mark.parametrize("kind", ["like", "save", "share"])
def test_approval_is_three_even_after_a_bounce(kind: str) -> None:
    assert grade_of(did("read", 1.0), did(kind)) == 3


@pytest.mark.parametrize("kind", ["hide", "dislike"])
def test_rejection_is_zero_whatever_else_was_done(kind: str) -> None:
    assert grade_of(did("read", 100.0), did("like"), did(kind)) == 0


def test_a_scroll_alone_opens_nothing() -> None:
    assert grade_of(did("scroll", 100.0)) == 0


def test_a_read_of_unknown_length_counts_as_a_click() -> None:
    assert grade_of(did("read", None)) == 2


def test_a_quoted_request_takes_the_outcome_however_late() -> None:
    slates = [
        Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a",)),
        Slate(id="t", reader="r", at=NOON + 5 * MINUTE, known_at=NOON, candidates=("a",)),
    ]
    late = did("click", at=NOON + 20 * MINUTE, request_id="s")
    assert labels([late], slates) == [[2], [0]]
    assert labels([did("click", at=NOON + 600 * MINUTE, request_id="s")], slates) == [[2], [0]]


def test_a_quoted_request_that_did_not_show_the_article_gives_nobody_the_outcome() -> None:
    assert labels([did("click", article="z", request_id="s"), did("click", request_id="z")]) == [[2, 0]]


@pytest.mark.parametrize(("after", "label"), [(0, 2), (30 * MINUTE, 2), (30 * MINUTE + 1, 0), (-1, 0)])
def test_without_a_request_the_slate_of_the_last_half_hour_takes_it(after: int, label: int) -> None:
    assert labels([did("click", at=NOON + after)]) == [[label, 0]]


def test_the_newest_slate_that_showed_the_article_takes_it() -> None:
    slates = [
        Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a", "b")),
        Slate(id="t", reader="r", at=NOON + MINUTE, known_at=NOON, candidates=("b",)),
        Slate(id="u", reader="r", at=NOON + 9 * MINUTE, known_at=NOON, candidates=("a", "b")),
    ]
    clicks = [did("click", at=NOON + 5 * MINUTE), did("click", article="b", at=NOON + 5 * MINUTE)]
    assert labels(clicks, slates) == [[2, 0], [2], [0, 0]]


def test_other_readers_and_other_articles_do_not_count() -> None:
    assert labels([did("click", reader="q"), did("click", article="c")]) == [[0, 0]]


def test_a_reading_belongs_to_the_slate_before_it_began() -> None:
    slates = [
        Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a",)),
        Slate(id="t", reader="r", at=NOON + 8 * MINUTE, known_at=NOON, candidates=("a",)),
    ]
    assert labels([did("read", 540.0, at=NOON + 10 * MINUTE)], slates) == [[3], [0]]


def test_only_what_was_known_before_the_cut_off_counts() -> None:
    events = [did("click"), did("read", 100.0, known_at=NOON + 20 * MINUTE)]
    assert labels(events, until=NOON + 20 * MINUTE) == [[2, 0]]
    assert labels(events, until=NOON + 20 * MINUTE + 1) == [[3, 0]]
    assert labels(events, until=NOON) == [[0, 0]]


def test_the_numbers_of_the_rule_can_be_chosen() -> None:
    assert labels([did("read", 7.0)], rule=LabelRule(bounce_seconds=5.0)) == [[2, 0]]
    assert labels([did("click", at=NOON + 2)], rule=LabelRule(attribute_within=1)) == [[0, 0]]


def test_slates_keep_their_order_and_length_even_without_candidates() -> None:
    slates = [
        Slate(id="z", reader="r", at=NOON + 1, known_at=0, candidates=("b", "a")),
        Slate(id="none", reader="r", at=NOON, known_at=0, candidates=()),
        Slate(id="y", reader="q", at=NOON, known_at=0, candidates=("a",)),
    ]
    assert labels([did("click")], slates) == [[0, 2], [], [0]]
    assert labels([did("click")], []) == []


_kinds = st.sampled_from(["click", "read", "scroll", "like", "hide", "impression"])
_happened = st.lists(
    st.builds(
        did,
        _kinds,
        st.floats(0, 300),
        st.sampled_from(["a", "b", "c"]),
        st.integers(NOON - 60 * MINUTE, NOON + 90 * MINUTE),
        reader=st.sampled_from(["r", "q"]),
        request_id=st.sampled_from([None, "s", "t", "u"]),
    ),
    max_size=12,
)
_slates = [
    Slate(id="s", reader="r", at=NOON, known_at=NOON, candidates=("a", "b")),
    Slate(id="t", reader="r", at=NOON + 10 * MINUTE, known_at=NOON, candidates=("c", "a")),
    Slate(id="v", reader="q", at=NOON, known_at=NOON, candidates=("b",)),
]


@settings(deadline=None, max_examples=40)
@given(events=_happened, data=st.data())
def test_the_order_of_events_does_not_matter(events: list[Event], data: st.DataObject) -> None:
    assert labels(data.draw(st.permutations(events)), _slates) == labels(events, _slates)


@settings(deadline=None, max_examples=40)
@given(events=_happened, until=st.integers(NOON - DAY, NOON + DAY))
def test_rows_after_the_cut_off_change_no_label(events: list[Event], until: int) -> None:
    known = [event for event in events if event.known_at < until]
    assert labels(events, _slates, until) == labels(known, _slates, until)


@settings(deadline=None, max_examples=40)
@given(events=_happened)
def test_only_what_was_opened_or_liked_is_above_zero_and_a_hide_always_zero(events: list[Event]) -> None:
    hidden = [did("hide", article="a", request_id="s")]
    graded = dict(zip("stv", labels([*events, *hidden], _slates), strict=True))
    assert graded["s"][0] == 0
    seen_articles = {event.article for event in events if event.kind in ("click", "read", "like")}
    for slate in _slates:
        above = {a for a, label in zip(slate.candidates, graded[slate.id], strict=True) if label > 0}
        assert above <= seen_articles


@settings(deadline=None, max_examples=40)
@given(seconds=st.floats(0, 1_000), more=st.floats(0, 1_000), words=st.one_of(st.none(), st.integers(1, 5_000)))
def test_reading_longer_never_lowers_the_label(seconds: float, more: float, words: int | None) -> None:
    brief, long = did("read", seconds, request_id="s"), did("read", seconds + more, request_id="s")
    assert grade_of(brief, words=words) <= grade_of(long, words=words)


def test_a_reading_is_judged_by_what_the_article_took_its_readers() -> None:
    slates = [Slate(id="s", reader="r", at=NOON + HOUR, known_at=NOON + HOUR, candidates=("a",))]
    others = [did("read", 70.0, reader=f"r{number}", at=NOON + number) for number in range(40)]
    mine = did("read", 40.0, at=NOON + HOUR + MINUTE)
    assert labels([mine], slates, words=238) == [[3]]
    assert labels([*others, mine], slates, words=238) == [[2]], "others took longer over it"


def test_a_reading_is_judged_by_the_readers_own_habit() -> None:
    slates = [Slate(id="s", reader="r", at=NOON + HOUR, known_at=NOON + HOUR, candidates=("a",))]
    habit = [did("read", 22.0, article=f"{number}", at=NOON + number) for number in range(40)]
    mine = did("read", 26.0, at=NOON + HOUR + MINUTE)
    assert labels([mine], slates) == [[2]]
    assert labels([*habit, mine], slates) == [[3]], "long, for this reader"
