import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ingest.pseudonyms import Pseudonyms

KEY, OTHER = "a secret of the house", "another secret here"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_reader_has_one_pseudonym_and_no_two_share_one(one: str, two: str) -> None:
    pseudonyms = Pseudonyms(KEY)
    assert re.fullmatch("[0-9a-f]{32}", pseudonyms.of(one))
    assert (pseudonyms.of(one) == Pseudonyms(KEY).of(two)) == (one == two)
    assert pseudonyms.of(one) != Pseudonyms(OTHER).of(one)


def test_without_a_key_ids_stay_as_they_are() -> None:
    rows = pl.DataFrame({"reader": ["r1", None]})
    assert Pseudonyms().of("r1") == "r1"
    assert Pseudonyms().in_frame(rows).equals(rows)


def test_frames_agree_with_single_ids() -> None:
    pseudonyms = Pseudonyms(KEY)
    frame = pl.DataFrame({"reader": ["r1", "r2", "r1"], "id": ["a", "b", "c"]})
    hidden = pseudonyms.in_frame(frame)
    assert hidden["reader"].to_list() == [pseudonyms.of("r1"), pseudonyms.of("r2"), pseudonyms.of("r1")]
    assert hidden["id"].to_list() == ["a", "b", "c"]
    assert pseudonyms.in_frame(frame, "id")["id"].to_list() == [pseudonyms.of(each) for each in "abc"]
    assert pseudonyms.in_frame(frame.drop("reader")).equals(frame.drop("reader"))
    assert pseudonyms.in_frame(frame.clear()).equals(frame.clear())


def test_wrong_ids_are_left_for_the_checks() -> None:
    odd = [None, "", " ", "x" * 600, "a\0b"]
    frame = pl.DataFrame({"reader": odd}, schema={"reader": pl.String})
    assert Pseudonyms(KEY).in_frame(frame)["reader"].to_list() == odd
