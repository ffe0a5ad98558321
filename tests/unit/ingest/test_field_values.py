import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.field_values import converter
from ingest.misfit import MisfitError
from recsys.records import Field, FieldType


def convert(kind: FieldType, value: object) -> object:
    field = Field(
        name="x",
        type=kind,
        required=False,
        nullable=True,
        most_bytes=None,
        is_id=False,
        future=False,
        shown=False,
    )
    return converter(field)(value)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (FieldType.TEXT, " u1\u200b", "u1"),
        (FieldType.TEXT, 7, "7"),
        (FieldType.TEXT, 2**80, str(2**80)),
        (FieldType.NUMBER, "1.5", 1.5),
        (FieldType.NUMBER, math.nan, None),
        (FieldType.INTEGER, 812.0, 812),
        (FieldType.INTEGER, "812.0", 812),
        (FieldType.INTEGER, " 3 ", 3),
        (FieldType.FLAG, "FALSE", False),
        (FieldType.FLAG, 1, True),
        (FieldType.FLAG, "no", False),
        (FieldType.TEXTS, '["a", 1]', ["a", "1"]),
        (FieldType.TEXTS, "a|b", ["a", "b"]),
        (FieldType.TEXTS, ["a", "NULL"], ["a", None]),
        (FieldType.NUMBERS, "[0.5, null]", [0.5, None]),
        (FieldType.TIME, date(2020, 1, 1), 1_577_836_800_000_000),
        (FieldType.TIME, datetime(2020, 1, 1, tzinfo=UTC), 1_577_836_800_000_000),
    ],
)
def test_values_are_converted(kind: FieldType, given: object, expected: object) -> None:
    assert convert(kind, given) == expected


@pytest.mark.parametrize(
    ("kind", "given", "problem"),
    [
        (FieldType.TEXT, ["A", "B"], "a list where text is expected"),
        (FieldType.TEXT, {"en": "T"}, "an object where text is expected"),
        (FieldType.TEXT, b"x", "binary data where text is expected"),
        (FieldType.TEXT, 1.5, "a number where text is expected"),
        (FieldType.TEXT, "\ud800", "half a surrogate pair"),
        (FieldType.NUMBER, True, "a flag where a number is expected"),
        (FieldType.NUMBER, 10**400, "a number where a number is expected"),
        (FieldType.NUMBER, "inf", "not a finite number"),
        (FieldType.INTEGER, 2.5, "a number where a whole number is expected"),
        (FieldType.INTEGER, "x", "a text where a whole number is expected"),
        (FieldType.FLAG, "maybe", "a text where true or false is expected"),
        (FieldType.TEXTS, "[broken", "not a JSON array"),
        (FieldType.TEXTS, 5, "a number where a list is expected"),
        (FieldType.NUMBERS, [True], "a flag where a number is expected"),
    ],
)
def test_a_misfit_names_what_came_and_what_is_expected(kind: FieldType, given: object, problem: str) -> None:
    with pytest.raises(MisfitError, match=problem):
        convert(kind, given)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(list(FieldType)), JSON)
def test_any_value_is_converted_or_a_misfit(kind: FieldType, value: object) -> None:
    try:
        convert(kind, value)
    except MisfitError as error:
        assert str(error)
