"""Compressed files and standard input as plain files, which sources can read from any position."""

import bz2
import gzip
import lzma
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from recsys.errors import DataError

_CHUNK = 1 << 20
_LARGEST = 1 << 38
"""Bytes that one input may have after unpacking."""

_STDIN = Path("-")
_OPENERS = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile}


@contextmanager
def unpacked(paths: Sequence[Path], suffix: str, folder: Path) -> Iterator[list[Path]]:
    """Yield `paths` with compressed files (.gz, .bz2, .xz) and ``-`` (standard input) as plain files.

    suffix: of the files that a folder stands for. folder: where temporary files go; they are deleted at the end.
    The same content gives the same fingerprint, so an interrupted import continues.

    Raises:
        DataError: a file is damaged, or cannot be read or unpacked.
    """
    listed = [each for path in paths for each in _in_folder(path, suffix)]
    if not any(_is_packed(path) for path in listed):
        yield listed
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="unpacked-") as room:
            plain = []
            for number, path in enumerate(listed):
                plain.append(_unpack(path, Path(room) / str(number), suffix) if _is_packed(path) else path)
            yield plain
    except OSError as error:
        raise DataError(f"cannot unpack into {folder}: {error}; free some space, or set ATTUNE_HOME") from error


def _in_folder(path: Path, suffix: str) -> list[Path]:
    """Return a folder with compressed files as its files, and any other path as it is."""
    if path == _STDIN or not path.is_dir():
        return [path]
    packed = [each for end in _OPENERS for each in path.glob(f"*{suffix}{end}")]
    return sorted([*path.glob(f"*{suffix}"), *packed]) if packed else [path]


def _is_packed(path: Path) -> bool:
    return path == _STDIN or path.suffix in _OPENERS


def _unpack(path: Path, folder: Path, suffix: str) -> Path:
    folder.mkdir()
    target = folder / (f"stdin{suffix}" if path == _STDIN else path.stem)
    if path == _STDIN:
        _copy(sys.stdin.buffer, target, path)
        return target
    if not path.is_file():
        raise DataError(f"{path} does not exist: check the path")
    try:
        with _OPENERS[path.suffix](path) as source:
            _copy(cast(IO[bytes], source), target, path)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, ValueError) as error:
        raise DataError(f"{path} is damaged or incomplete ({error}); copy it again") from error
    return target


def _copy(source: IO[bytes], target: Path, path: Path) -> None:
    size = 0
    with target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > _LARGEST:
                raise DataError(f"{path} unpacks to more than {_LARGEST >> 30} GiB; split it")
            file.write(chunk)
