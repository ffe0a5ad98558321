import polars as pl
import pytest

from ingest.coerce import coerce
from recsys.frames import NATIVE
from recsys.records import FieldType

KINDS = [FieldType.TEXT, FieldType.TIME, FieldType.NUMBER, FieldType.INTEGER, FieldType.TEXTS]


@pytest.mark.parametrize("kind", KINDS)
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
        (FieldType.TEXTS, [[1, 2]], [["1", "2"]]),
        (FieldType.TEXTS, [[1.5]], [None]),
    ],
)
def test_values_that_do_not_fit_become_null(kind: FieldType, given: list[object], expected: list[object]) -> None:
    assert coerce(pl.Series("x", given), kind).to_list() == expected


def test_categories_are_text() -> None:
    assert coerce(pl.Series(["a", None], dtype=pl.Categorical), FieldType.TEXT).to_list() == ["a", None]
