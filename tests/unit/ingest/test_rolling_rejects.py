"""Reject files of pages: the newest remain, and an erasure finds each row."""

import json
from pathlib import Path

import pytest

from ingest.reject_privacy import erase_rejected_rows
from ingest.rolling_rejects import RollingRejects
from recsys.errors import ConfigError


def rows(folder: Path) -> list[int]:
    return [
        json.loads(line)["n"] for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]


def test_the_newest_rows_remain(tmp_path: Path) -> None:
    rejects = RollingRejects(tmp_path / "collect", file_rows=2, files=3)
    for n in range(11):
        rejects.add([{"n": n}])
    assert rows(tmp_path / "collect") == [6, 7, 8, 9, 10]


def test_processes_share_a_folder(tmp_path: Path) -> None:
    first, second = (RollingRejects(tmp_path, file_rows=2, files=2) for _ in range(2))
    first.add([{"n": 0}])
    second.add([{"n": 1}])
    first.add([{"n": 2}])
    second.add([{"n": 3}])
    assert sorted(rows(tmp_path)) == [0, 1, 2, 3]
    second.add([{"n": 4}])
    first.add([{"n": 5}])
    assert 5 in rows(tmp_path)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_rows_are_added_after_an_erasure_replaced_the_file(tmp_path: Path) -> None:
    rejects = RollingRejects(tmp_path / "collect")
    rejects.add([{"n": 0, "raw": "reader-42"}, {"n": 1, "raw": "reader-43"}])
    assert erase_rejected_rows(tmp_path, "reader-42") == 1
    rejects.add([{"n": 2}])
    assert rows(tmp_path / "collect") == [1, 2]


def test_a_folder_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="ATTUNE_HOME"):
        RollingRejects(tmp_path / "file" / "collect").add([{"n": 0}])
