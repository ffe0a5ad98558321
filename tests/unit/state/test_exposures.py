import numpy as np
import pytest

from recsys.domain import HOUR, MINUTE, SECOND, Event, EventKind, Slate
from recsys.frames import events_frame, slates_frame
from recsys.state.elo import FAST
from recsys.state.exposures import BOUNCED, CLICKED, READ, SKIPPED, Exposures
from recsys.state.live_state import LiveState
from tests.unit.state.logs import START, fresh, met_by


def test_exposures_tell_the_last_sixty_four_to_the_second() -> None:
    exposures = Exposures()
    exposures.rings.reserve(1)
    for i in range(100):
        exposures.record(0, i, i * SECOND + 999_999)
    articles, times = exposures.of(0)
    assert articles.tolist() == list(range(36, 100))
    assert np.array_equal(times, articles * SECOND)


def test_outcomes_are_kept_of_the_last_that_fit_into_the_ring() -> None:
    exposures = Exposures(32)
    exposures.rings.reserve(1)
    for i in range(100):
        exposures.record(0, i, SECOND)
    assert exposures.outcomes(0).article.tolist() == list(range(68, 100))


def test_a_reader_never_met_was_shown_nothing() -> None:
    articles, times = Exposures().of(-1)
    assert len(articles) == len(times) == len(Exposures().outcomes(-1).article) == 0


def test_places_beyond_the_last_own_counter_share_it() -> None:
    exposures = Exposures()
    exposures.rings.reserve(1)
    exposures.record(0, 1, SECOND, 1_000)
    assert exposures.outcomes(0).place.tolist() == [255]


def slate(at: int, *articles: str, ordered: bool = False) -> Slate:
    return Slate(id=f"s{at}", reader="r", at=at, known_at=at, candidates=articles, ordered=ordered)


def click(at: int, article: str, request: str | None = "q", reader: str = "r") -> Event:
    return Event(
        id=f"c{at}{article}",
        reader=reader,
        kind=EventKind.CLICK,
        at=at,
        known_at=at,
        article=article,
        request_id=request,
    )


def read(at: int, article: str, seconds: float) -> Event:
    return Event(
        id=f"r{at}{article}",
        reader="r",
        kind=EventKind.READ,
        at=at,
        known_at=at,
        article=article,
        value=seconds,
        request_id="q",
    )


def folded(events: list[Event], slates: list[Slate]) -> LiveState:
    state = fresh()
    state.apply(state.encode(events_frame(events), slates_frame(slates)))
    return state


def rating(state: LiveState, article: str) -> float:
    return float(state.elo.articles[state.articles.get(article), FAST])


def test_an_answer_is_a_choice_from_the_newest_slate_that_had_the_article() -> None:
    slates = [slate(START, "a0", "a1"), slate(START + MINUTE, "a0", "a2"), slate(START + 2 * MINUTE, "a3", "a4")]
    state = folded([click(START + HOUR, "a0")], slates)
    assert [outcome for _, _, outcome in met_by(state, "r")] == [
        SKIPPED,
        SKIPPED,
        CLICKED,
        SKIPPED,
        SKIPPED,
        SKIPPED,
    ]
    assert [rating(state, name) for name in ("a0", "a1", "a2", "a3")] == pytest.approx([0.6, 0, -0.6, 0])


def test_articles_shown_after_an_answer_are_no_part_of_the_choice() -> None:
    slates = [slate(START, "a0", "a1"), slate(START + HOUR, "a0", "a2")]
    state = folded([click(START + MINUTE, "a0")], slates)
    assert [outcome for _, _, outcome in met_by(state, "r")] == [CLICKED, SKIPPED, SKIPPED, SKIPPED]
    assert rating(state, "a2") == 0


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
    assert not state.elo.articles.any()
    assert not any(outcome for _, _, outcome in met_by(state, "r"))


def test_the_only_article_of_a_slate_was_no_choice() -> None:
    state = folded([click(START + 1, "a0")], [slate(START, "a0")])
    assert not state.elo.articles.any()


def test_impressions_reported_one_by_one_in_the_same_second_are_one_slate() -> None:
    shown = [
        Event(id=f"i{n}", reader="r", kind=EventKind.IMPRESSION, at=START + n, known_at=START + n, article=f"a{n}")
        for n in range(3)
    ]
    state = folded([*shown, click(START + MINUTE, "a1")], [])
    assert [rating(state, f"a{n}") for n in range(3)] == pytest.approx([-0.4, 0.8, -0.4])


def test_only_slates_with_an_order_have_places() -> None:
    state = folded([], [slate(START, "a0", "a1", ordered=True), slate(START + HOUR, "a2", "a3")])
    assert [place for _, place, _ in met_by(state, "r")] == [1, 2, 0, 0]


def test_a_pass_far_down_costs_a_rating_less_than_one_on_top() -> None:
    shown = slate(START, "a0", "a1", "a2", ordered=True)
    state = folded([click(START + 1, "a1")], [shown])
    assert rating(state, "a0") < rating(state, "a2") < 0


@pytest.mark.parametrize(("seconds", "outcome"), [(3.0, BOUNCED), (40.0, READ)])
def test_a_reading_decides_the_worth_of_a_click(seconds: float, outcome: int) -> None:
    state = folded([click(START + 1, "a0"), read(START + MINUTE, "a0", seconds)], [slate(START, "a0", "a1")])
    assert [reported for _, _, reported in met_by(state, "r")] == [outcome, SKIPPED]


def test_a_reading_in_parts_is_no_bounce_if_its_sum_is_none() -> None:
    parts = [read(START + (i + 1) * 5 * SECOND, "a0", 5.0) for i in range(3)]
    assert [
        met_by(folded([click(START + 1, "a0"), *parts[:count]], [slate(START, "a0")]), "r")[0][2]
        for count in (1, 2, 3)
    ] == [BOUNCED, READ, READ]


def test_a_reading_that_followed_no_click_on_a_slate_takes_nothing() -> None:
    state = folded([read(START + MINUTE, "a0", 40.0)], [slate(START, "a0", "a1")])
    assert [reported for _, _, reported in met_by(state, "r")] == [SKIPPED, SKIPPED]
