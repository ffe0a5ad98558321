import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ingest.pseudonyms import Pseudonyms

KEY, OTHER = "a secret of the house", "another secret here"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_reader_has_one_pseudonym_and_no_two_share_one(one: str, two: str) -> None:
    edge = Pseudonyms(KEY)
    assert re.fullmatch("[0-9a-f]{32}", edge.of(one))
    assert (edge.of(one) == Pseudonyms(KEY).of(two)) == (one == two)
    assert edge.of(one) != Pseudonyms(OTHER).of(one)


def test_without_a_key_ids_stay_as_they_are() -> None:
    rows = pl.DataFrame({"reader": ["r1"]})
    assert Pseudonyms().of("r1") == "r1"
    assert Pseudonyms().in_row({"reader": "r1"}) == {"reader": "r1"}
    assert Pseudonyms().in_frame(rows).equals(rows)


def test_rows_and_frames_agree_with_single_ids() -> None:
    edge = Pseudonyms(KEY)
    frame = pl.DataFrame({"reader": ["r1", "r2", "r1"], "id": ["a", "b", "c"]})
    hidden = edge.in_frame(frame)
    assert hidden["reader"].to_list() == [edge.of("r1"), edge.of("r2"), edge.of("r1")]
    assert hidden["id"].to_list() == ["a", "b", "c"]
    assert edge.in_row({"reader": "r1", "id": "a"}) == {"reader": edge.of("r1"), "id": "a"}
    assert edge.in_row({"reader": 42}) == {"reader": edge.of("42")}, "a number is stored as its digits"


def test_what_names_no_reader_is_left_for_the_checks() -> None:
    edge = Pseudonyms(KEY)
    for row in ({"reader": None}, {"reader": " "}, {"reader": True}, {"reader": ["r"]}, {}, "no row", None):
        assert edge.in_row(row) == row
