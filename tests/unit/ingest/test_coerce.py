import polars as pl
import pytest

from ingest.coerce import coerce, from_values
from recsys.frames import NATIVE
from recsys.records import FieldType


@pytest.mark.parametrize("kind", list(FieldType))
def test_all_null_columns_take_the_type(kind: FieldType) -> None:
    fitted = coerce(pl.Series("x", [None, None]), kind)
    assert fitted.dtype == NATIVE[kind]
    assert fitted.null_count() == 2


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (FieldType.TEXT, [7, 8], ["7", "8"]),
        (FieldType.TEXT, [1.5], [None]),
        (FieldType.TEXT, [True], [None]),
        (FieldType.NUMBER, ["1.5", "x"], [1.5, None]),
        (FieldType.NUMBER, [True], [None]),
        (FieldType.INTEGER, [2.0, 2.5], [2, None]),
        (FieldType.INTEGER, ["3", "3.5"], [3, None]),
        (FieldType.INTEGER, [True], [None]),
        (FieldType.FLAG, ["true", "FALSE", "1", "maybe"], [True, False, True, None]),
        (FieldType.FLAG, [0, 1, 2], [False, True, None]),
        (FieldType.FLAG, [0.5], [None]),
        (FieldType.TEXTS, ['["a", "b"]', "a|b", "[broken", "[1.5]"], [["a", "b"], ["a", "b"], None, None]),
        (FieldType.TEXTS, [[1, 2]], [["1", "2"]]),
        (FieldType.TEXTS, [[1.5]], [None]),
        (FieldType.NUMBERS, ["0.5|1", "[0.5, null]", "x", "[true]"], [[0.5, 1.0], [0.5, None], None, None]),
        (FieldType.NUMBERS, [["a"]], [None]),
    ],
)
def test_values_that_do_not_fit_become_null(kind: FieldType, given: list[object], expected: list[object]) -> None:
    assert coerce(pl.Series("x", given), kind).to_list() == expected


def test_categories_are_text() -> None:
    assert coerce(pl.Series(["a", None], dtype=pl.Categorical), FieldType.TEXT).to_list() == ["a", None]


@pytest.mark.parametrize(
    ("kind", "values", "expected", "misfits"),
    [
        (FieldType.TEXT, ["a", 1, None], ["a", "1", None], [False, False, False]),
        (FieldType.TEXT, ["a", {"b": 1}, ["c"]], ["a", None, None], [False, True, True]),
        (FieldType.TEXT, ["a", "\ud800"], ["a", None], [False, True]),
        (FieldType.TEXT, [2**80], [str(2**80)], [False]),
        (FieldType.NUMBER, [1, 2.5, "3", True], [1.0, 2.5, 3.0, None], [False, False, False, True]),
        (FieldType.INTEGER, [1, "x"], [1, None], [False, True]),
        (FieldType.FLAG, [True, None], [True, None], [False, False]),
        (FieldType.FLAG, [True, "no"], [True, None], [False, True]),
        (FieldType.TEXTS, [["a", 1], "b|c", 5], [["a", "1"], ["b", "c"], None], [False, False, True]),
        (FieldType.TEXTS, [["\ud800"], ["a"]], [None, ["a"]], [True, False]),
        (FieldType.NUMBERS, [[1, 2.5], None], [[1.0, 2.5], None], [False, False]),
        (
            FieldType.TIME,
            ["2020-01-01", 1_577_836_800, {}],
            [1_577_836_800_000_000] * 2 + [None],
            [False] * 2 + [True],
        ),
    ],
)
def test_json_values_of_mixed_types(
    kind: FieldType, values: list[object], expected: list[object], misfits: list[bool]
) -> None:
    column, wrong = from_values("x", values, kind)
    assert column.dtype == NATIVE[kind]
    assert column.to_list() == expected
    assert wrong.to_list() == misfits
