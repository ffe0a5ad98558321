"""Compressed files and standard input are read like plain files."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest.unpacked_files import unpacked
from recsys.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_file_is_unpacked_and_the_copy_deleted(ending: str, tmp_path: Path) -> None:
    packed = tmp_path / f"log.jsonl{ending}"
    packed.write_bytes(PACK[ending](b"{}\n" * 9))
    with unpacked([packed], ".jsonl", tmp_path / "room") as (plain,):
        assert plain.name == "log.jsonl" and plain.read_bytes() == b"{}\n" * 9
    assert list((tmp_path / "room").iterdir()) == []
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataError, match="damaged or incomplete"), unpacked([packed], ".jsonl", tmp_path / "room"):
        pass


def test_a_folder_stands_for_plain_and_compressed_files_with_its_ending(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"b")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a"))
    (tmp_path / "c.txt.gz").write_bytes(b"no gzip")
    with unpacked([tmp_path], ".csv", tmp_path / "room") as files:
        assert [file.read_bytes() for file in files] == [b"a", b"b"]


def test_plain_paths_stay_as_they_are(tmp_path: Path) -> None:
    with unpacked([tmp_path, tmp_path / "a.csv"], ".csv", tmp_path / "room") as files:
        assert files == [tmp_path, tmp_path / "a.csv"] and not (tmp_path / "room").exists()


def test_standard_input_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"{}")))
    with unpacked([Path("-")], ".jsonl", tmp_path) as (plain,):
        assert plain.name == "stdin.jsonl" and plain.read_bytes() == b"{}"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"), unpacked([tmp_path / "a.gz"], ".csv", tmp_path):
        pass
