from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import content_ids

EVENT = {"reader": "r", "kind": "click", "article": "a", "at": 5}
SLATE = {"reader": "r", "at": 5, "candidates": ["a", "b"]}


def event_id(**changes: object) -> str:
    return content_ids.event_id({**EVENT, **changes})


def slate_id(**changes: object) -> str:
    return content_ids.slate_id({**SLATE, **changes})


def test_ids_stay_as_they_were_given_out() -> None:
    """A new id for content that is stored would store it again."""
    full_event = {
        "kind": "read",
        "value": 48.5,
        "request_id": "q",
        "position": 3,
        "session": "s",
        "device": "phone",
        "known_at": 9,
    }
    full_slate = {
        "page": "p",
        "model": "m",
        "session": "s",
        "device": "phone",
        "scores": [0.2, 0.1],
        "ordered": True,
    }
    assert (event_id(), slate_id()) == ("d00c4b63ff22584fcda742a27b5dd21a", "9381ccd656de28d5dfdd08ee47712112")
    assert (event_id(**full_event), slate_id(**full_slate)) == (
        "dd209f94d6679903a343e9e6e31a34c8",
        "2365a8b93e255669e630a979b6344d03",
    )


def test_the_same_content_has_the_same_id_of_128_bits() -> None:
    assert event_id() == event_id()
    assert len(bytes.fromhex(event_id())) == 16


def test_when_it_was_known_does_not_count() -> None:
    assert event_id(known_at=9) == event_id()


def test_every_part_of_an_event_counts() -> None:
    changes = [
        {"reader": "s"},
        {"kind": "read"},
        {"article": "b"},
        {"subject": "x"},
        {"value": 1.0},
        {"at": 6},
        {"request_id": "q"},
        {"position": 0},
        {"session": "s"},
        {"device": "d"},
    ]
    assert len({event_id(), *(event_id(**change) for change in changes)}) == 1 + len(changes)


def test_order_and_length_of_a_slate_count() -> None:
    slates = [["a", "b"], ["b", "a"], ["a"], ["a", "b", "c"], ["ab"]]
    assert len({slate_id(candidates=each) for each in slates}) == len(slates)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=5), st.text(max_size=5))
def test_text_does_not_run_from_one_field_into_the_next(one: str, two: str) -> None:
    moved = event_id(reader=one + two, article="")
    assert (moved == event_id(reader=one, article=two)) == (two == "")
