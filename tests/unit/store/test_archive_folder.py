"""Addresses of archives, and files that are whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from recsys.errors import ConfigError, StoreError
from recsys.store import archive_folder

ROOT = Path(__file__).parents[3]


def test_local_addresses_become_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = str(tmp_path / "old")
    for url in ("old", "./old/", "file://old", absolute, f"file://{absolute}", f"file://localhost{absolute}"):
        assert archive_folder.normalized(url) == str(tmp_path / "old")
    assert archive_folder.normalized("memory://bucket/old/") == "memory://bucket/old"


@pytest.mark.parametrize("folder", ["{tmp}", "memory://files"])
def test_files_are_written_read_and_deleted(tmp_path: Path, folder: str) -> None:
    path = f"{folder.format(tmp=tmp_path)}/events/month=2026-01/1.parquet"
    with pytest.raises(StoreError, match="is missing: restore it"):
        archive_folder.read(path)
    archive_folder.write(path, b"content")
    assert archive_folder.read(path) == b"content"
    archive_folder.delete(path)
    archive_folder.delete(path)
    with pytest.raises(StoreError, match="is missing"):
        archive_folder.read(path)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archive_folder.os, "fsync", full)
        with pytest.raises(StoreError, match="no space left on device"):
            archive_folder.write(str(tmp_path / "1.parquet"), b"content")
    assert list(tmp_path.iterdir()) == []


def test_addresses_need_fsspec_and_folders_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError, match=r"pip install 'attune-feed\[archive\]'"):
        archive_folder.normalized("s3://bucket/old")
    archive_folder.write(str(tmp_path / "1.parquet"), b"content")
    assert archive_folder.read(str(tmp_path / "1.parquet")) == b"content"


def test_a_kill_in_the_middle_of_a_file_leaves_nothing_that_delete_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    program = (
        "import os, sys; from recsys.store import archive_folder; "
        "os.fsync = lambda _: os._exit(9); archive_folder.write(sys.argv[1], b'rows of a reader')"
    )
    assert subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, check=False).returncode == 9
    assert [left.read_bytes() for left in tmp_path.iterdir()] == [b"rows of a reader"]
    archive_folder.delete(str(path))
    assert list(tmp_path.iterdir()) == []


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(ConfigError, match="must have no password"):
        archive_folder.normalized("s3://key:secret@bucket/old")
