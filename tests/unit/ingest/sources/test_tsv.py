from pathlib import Path

import pytest

from ingest.sources import tsv
from ingest.sources.lines import blocks
from recsys.errors import DataError


def written(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "table.tsv"
    path.write_bytes(text)
    return path


def test_cells_are_text_and_empty_ones_null(tmp_path: Path) -> None:
    (block,) = blocks([written(tmp_path, b'1\t"quoted\t\n\n2\tb\tc')], 0)
    rows, rejects = tsv.read(block, ("x", "y", "z"), "articles")
    assert rows.select("x", "y", "z", "row").rows() == [("1", '"quoted', None, 1), ("2", "b", "c", 3)]
    assert rows["raw"].to_list() == ['1\t"quoted\t', "2\tb\tc"]
    assert rejects.is_empty()


@pytest.mark.parametrize(
    ("line", "reason"), [(b"1", "row: other columns than the file has"), (b"1\t\xff", "row: not UTF-8")]
)
def test_a_bad_line_costs_itself_alone(tmp_path: Path, line: bytes, reason: str) -> None:
    (block,) = blocks([written(tmp_path, b"a\tb\n" + line + b"\nc\td\n")], 0)
    rows, rejects = tsv.read(block, ("x", "y"), "impressions")
    assert rows["row"].to_list() == [1, 3]
    assert rejects.select("row", "kind", "reason").rows() == [(2, "impressions", reason)]


def test_the_usual_number_of_columns_is_that_of_most_lines(tmp_path: Path) -> None:
    assert tsv.width(written(tmp_path, b"1\t2\n1\t2\t3\n1\t2\t3\nbroken\n"), [2, 3]) == 3


def test_an_empty_file_has_the_first_allowed_number(tmp_path: Path) -> None:
    assert tsv.width(written(tmp_path, b"\n"), [5, 4]) == 5


def test_other_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 2 tab-separated columns, expected 5 or 4"):
        tsv.width(written(tmp_path, b"1\t2\n"), [5, 4])
