import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import RequestError
from recsys.feed.selection.remaining_candidates import RemainingCandidates

ITEMS = st.lists(
    st.tuples(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3))
)


def remaining(items: list[tuple[str, float, str]]) -> RemainingCandidates:
    return (
        RemainingCandidates("m", (), (), ()) if not items else RemainingCandidates("m", *zip(*items, strict=True))
    )


@given(ITEMS)
def test_kept_values_come_back_exactly(items: list[tuple[str, float, str]]) -> None:
    assert RemainingCandidates.from_json(remaining(items).to_json()) == remaining(items)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["m", ["a"], ["x"], ["b"]]', '[["a"], [1.0], ["b"]]'])
def test_rows_that_no_writer_made_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="first page again"):
        RemainingCandidates.from_json(text)
