import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.raw_batch import Batch
from ingest.sources.csv import CsvFiles, read_layout
from recsys.errors import DataError


def source(tmp_path: Path, text: str | bytes, size: int = 1 << 20) -> CsvFiles:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return CsvFiles([path], size)


def one(tmp_path: Path, text: str | bytes) -> Batch:
    (batch,) = source(tmp_path, text).batches(0)
    return batch


def titles(batch: Batch) -> list[tuple[int, str, str]]:
    return batch.articles.select("row", "id", "title").rows()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_are_found_in_the_header(tmp_path: Path, separator: str) -> None:
    assert titles(one(tmp_path, f"id{separator}title\na{separator}T\n")) == [(2, "a", "T")]


def test_line_feeds_and_quotes_within_quotes(tmp_path: Path) -> None:
    batch = one(tmp_path, 'id,title\r\na,"one\ntwo ""three"""\r\nb,plain\r\n')
    assert titles(batch) == [(2, "a", 'one\ntwo "three"'), (4, "b", "plain")]


def test_lists_are_json_or_separated_by_bars(tmp_path: Path) -> None:
    text = 'reader,at,candidates\nr,1684393203,a|b\ns,1684393203,"[""a"", ""c""]"\n'
    assert one(tmp_path, text).slates["candidates"].to_list() == [["a", "b"], ["a", "c"]]


def test_empty_cells_are_null(tmp_path: Path) -> None:
    assert one(tmp_path, "id,title,category\na,T,\n").articles["category"].to_list() == [None]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a", "row: other columns than the file has"),
        (b"a,b,c", "row: other columns than the file has"),
        (b'a,"never closed', "row: unmatched quotes"),
        (b'a,"closed" too early', "row: unmatched quotes"),
        (b"a,\xff", "row: not UTF-8"),
    ],
)
def test_a_bad_line_costs_itself_alone(tmp_path: Path, line: bytes, reason: str) -> None:
    batch = one(tmp_path, b"id,title\nx,X\n" + line + b'\ny,Y\nz,"Z\nZ"\n')
    assert titles(batch) == [(2, "x", "X"), (4, "y", "Y"), (5, "z", "Z\nZ")]
    assert batch.rejects.select("row", "kind", "reason").rows() == [(3, "articles", reason)]


def test_a_quote_within_a_plain_cell_is_a_character(tmp_path: Path) -> None:
    assert titles(one(tmp_path, 'id,title\na,5" screen\nb,B\n')) == [(2, "a", '5" screen'), (3, "b", "B")]


def test_a_file_cut_in_the_middle_of_a_record_loses_that_record_alone(tmp_path: Path) -> None:
    batch = one(tmp_path, 'id,title\na,A\nb,"cut\nsh')
    assert titles(batch) == [(2, "a", "A")]
    assert batch.rejects["row"].to_list() == [3, 4]


def test_a_header_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="iconv"):
        source(tmp_path, "id,title\n".encode("utf-16"))


def test_missing_columns_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks the columns id"):
        source(tmp_path, "title\nT\n")


def test_each_file_has_its_own_kind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\na,T\n")
    (tmp_path / "b.csv").write_text("reader,kind,at,article\nr,click,1684393203,a\n")
    batches = list(CsvFiles([tmp_path]).batches(0))
    assert [+batch.read() for batch in batches] == [{"articles": 1}, {"events": 1}]
    assert read_layout(tmp_path / "b.csv").kind == "events"


CELL = st.text(alphabet='ab,"\n;é ', max_size=6)
TABLE = st.lists(st.tuples(st.text("xyz", min_size=1, max_size=3), CELL), min_size=1, max_size=8)


def written(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "title"), *rows])
    return text.getvalue()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLE)
def test_rows_of_the_standard_writer_come_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    batch = one(tmp_path, written(rows))
    assert [(name, title or "") for _, name, title in titles(batch)] == [
        (name, title.strip()) for name, title in rows
    ]
    assert batch.rejects.is_empty()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TABLE, st.integers(1, 30), st.integers(0, 5))
def test_any_split_and_any_resumption_gives_the_same_rows(
    tmp_path: Path, rows: list[tuple[str, str]], size: int, stop: int
) -> None:
    whole = one(tmp_path, written(rows)).articles
    log = source(tmp_path, written(rows), size)
    first = list(log.batches(0))[: stop + 1]
    rest = list(log.batches(first[-1].position))
    assert pl.concat(batch.articles for batch in first + rest).equals(whole)


STRETCHED = (
    "\ufeffid,title\na,A\n".encode()
    + b'b,"' + b"line\n" * 9 + b'end"\n'
    + b"c,C\n\xff\nd\n"
    + b'e,"' + b"x\n\xff\n\n" * 6 + b'y"\nf,"never closed\ng,G\n'
)  # fmt: skip
"""Records, good and bad lines, quotes that take many lines, and a byte order mark."""


@pytest.mark.parametrize("size", [1, 7, 12, 20, 33])
def test_a_record_of_many_blocks_survives_a_stop_behind_any_of_them(tmp_path: Path, size: int) -> None:
    whole = one(tmp_path, STRETCHED)
    log = source(tmp_path, STRETCHED, size)
    done = list(log.batches(0))
    assert len(done) > 3
    for count in range(1, len(done) + 1):
        reported = done[:count] + list(log.batches(done[count - 1].position))
        assert pl.concat(batch.articles for batch in reported).equals(whole.articles)
        rejects = pl.concat(batch.rejects for batch in reported).sort("row")
        assert rejects.equals(whole.rejects.sort("row"))
