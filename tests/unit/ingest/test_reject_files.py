import json
from pathlib import Path

import polars as pl
import pytest

from ingest.raw_batch import REJECTS, reject, reject_rows, rejects_frame
from ingest.reject_files import RejectFiles
from recsys.errors import ConfigError

ROW = reject("log.jsonl", 7, "events", "row: not JSON", b'{"reader": \xff')


def test_a_reject_quotes_bytes_that_are_no_text() -> None:
    assert ROW["raw"] == '{"reader": \N{REPLACEMENT CHARACTER}'


def test_a_reject_quotes_no_more_than_its_share() -> None:
    assert len(str(reject("f", 1, "events", "row: not JSON", b"x" * 10_000)["raw"])) == 500


def test_rows_with_text_quote_it_and_others_their_values() -> None:
    rows = pl.DataFrame(
        {
            "id": ["a", "b"],
            "file": ["f", "f"],
            "row": [1, 2],
            "raw": ["line", None],
            "problem": [None, None],
            "given": [None, None],
        }
    )
    rejects = reject_rows(rows, "articles", pl.lit("why"))
    assert rejects["raw"].to_list() == ["line", '{"id":"b"}']
    assert rejects.schema.names() == list(REJECTS)


def test_a_batch_written_twice_is_there_once(tmp_path: Path) -> None:
    files = RejectFiles(tmp_path / "job")
    for _ in range(2):
        files.write(40, rejects_frame([ROW]))
    written = list(files.folder.iterdir())
    assert [path.name for path in written] == ["000000000000040.jsonl"]
    assert [json.loads(line) for line in written[0].read_text().splitlines()] == [ROW]


def test_nothing_is_created_without_rejects(tmp_path: Path) -> None:
    RejectFiles(tmp_path / "job").write(0, rejects_frame([]))
    assert not list(tmp_path.iterdir())


def test_a_batch_that_has_none_any_more_takes_its_file_away(tmp_path: Path) -> None:
    files = RejectFiles(tmp_path / "job")
    files.write(0, rejects_frame([ROW]))
    files.write(0, rejects_frame([]))
    assert not list(files.folder.iterdir())


def test_clearing_forgets_all(tmp_path: Path) -> None:
    files = RejectFiles(tmp_path / "job")
    files.clear()
    files.write(0, rejects_frame([ROW]))
    files.clear()
    assert not files.folder.exists()


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="set ATTUNE_HOME"):
        RejectFiles(tmp_path / "file" / "job").write(0, rejects_frame([ROW]))
