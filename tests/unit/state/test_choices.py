import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, SECOND, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.state.choices import Choices
from recsys.state.live import LiveState
from recsys.state.ratings import FAST
from tests.unit.state.logs import START, chosen_by, fresh


def recorded(*answers: tuple[list[int], list[float]], length: int = 8) -> Choices:
    choices = Choices(length)
    choices.rings.reserve(2)
    for articles, surprise in answers:
        choices.record(1, np.asarray(articles), np.asarray(surprise))
    return choices


def kept(choices: Choices, reader: int = 1) -> tuple[list[int], list[float]]:
    articles, surprises = choices.of(reader)
    return articles.tolist(), surprises.round(6).tolist()


def test_what_was_expected_is_not_kept() -> None:
    choices = recorded(([4, 5, 6], [0.5, -0.46, -0.04]))
    assert kept(choices) == ([4, 5], [0.5, -0.46])


def test_only_the_newest_are_kept_also_of_a_slate_longer_than_the_ring() -> None:
    choices = recorded(([1, 2, 3], [0.1, 0.2, 0.3]), (list(range(10, 22)), [0.1 * i for i in range(1, 13)]))
    assert kept(choices)[0] == list(range(14, 22))


def test_readers_do_not_mix_and_strangers_have_none() -> None:
    choices = recorded(([1], [0.5]))
    assert kept(choices, 0) == kept(choices, -1) == ([], [])


def slate(at: int, *articles: str, reader: str = "r") -> Slate:
    return Slate(f"s{at}{reader}", reader, at, at, articles)


def click(at: int, article: str, request: str | None = "q", reader: str = "r") -> Event:
    return Event(f"c{at}{article}", reader, EventKind.CLICK, at, at, article, request_id=request)


def folded(events: list[Event], slates: list[Slate]) -> LiveState:
    state = fresh()
    state.apply(state.encode(events_frame(events), slates_frame(slates)))
    return state


def rating(state: LiveState, article: str) -> float:
    return float(state.ratings.articles[state.articles.get(article), FAST])


def test_an_answer_is_a_choice_from_the_newest_slate_that_had_the_article() -> None:
    slates = [slate(START, "a0", "a1"), slate(START + MINUTE, "a0", "a2"), slate(START + 2 * MINUTE, "a3", "a4")]
    state = folded([click(START + HOUR, "a0")], slates)
    assert chosen_by(state, "r") == [("a0", 0.5), ("a2", -0.5)]
    assert [rating(state, name) for name in ("a0", "a1", "a2", "a3")] == pytest.approx([0.6, 0, -0.6, 0])


def test_what_is_shown_after_an_answer_is_no_part_of_the_choice() -> None:
    slates = [slate(START, "a0", "a1"), slate(START + HOUR, "a0", "a2")]
    state = folded([click(START + MINUTE, "a0")], slates)
    assert chosen_by(state, "r") == [("a0", 0.5), ("a1", -0.5)]


@pytest.mark.parametrize(
    "clicked",
    [
        click(START + MINUTE, "a0", request=None),
        click(START + MINUTE, "a5"),
        click(START + MINUTE, "a0", reader="somebody else"),
        click(START - SECOND, "a0"),
    ],
)
def test_a_click_that_answers_nothing_shown_teaches_nothing(clicked: Event) -> None:
    state = folded([clicked], [slate(START, "a0", "a1")])
    assert not state.ratings.articles.any()
    assert chosen_by(state, clicked.reader) == []


def test_the_only_article_of_a_slate_was_no_choice() -> None:
    state = folded([click(START + 1, "a0")], [slate(START, "a0")])
    assert not state.ratings.articles.any()


def test_impressions_reported_one_by_one_in_the_same_second_are_one_slate() -> None:
    shown = [Event(f"i{n}", "r", EventKind.IMPRESSION, START + n, START + n, f"a{n}") for n in range(3)]
    state = folded([*shown, click(START + MINUTE, "a1")], [])
    assert [name for name, _ in chosen_by(state, "r")] == ["a0", "a1", "a2"]
