"""Chosen files of a folder, a .zip file or a .tar file, by their names."""

import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from recsys.errors import DataError

MOST_BYTES = 1 << 30
"""Bytes that one file may have after unpacking."""


def archive_files(path: Path, names: Iterable[str]) -> Mapping[str, bytes]:
    """Return the content of the files `names` that `path` has, in whichever folder of the archive they lie.

    Nothing is written to disk, so names of members cannot lead outside a folder.

    Raises:
        DataError: `path` does not exist, is no such archive, is damaged, or has a file of more than a gigabyte.
    """
    wanted = frozenset(names)
    if not path.exists():
        raise DataError(f"{path} does not exist: check the path")
    try:
        if path.is_dir():
            files = {each.name: each for each in sorted(path.iterdir()) if each.name in wanted and each.is_file()}
            return {name: _bounded(path, name, _begin_of(each)) for name, each in files.items()}
        return _of_zip(path, wanted) if zipfile.is_zipfile(path) else _of_tar(path, wanted)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise DataError(
            f"{path} is no folder, .zip or .tar.gz that can be read ({error}); copy it again"
        ) from error


def _of_zip(path: Path, wanted: frozenset[str]) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2]
            if name in wanted and name not in found:
                with archive.open(member) as file:
                    found[name] = _bounded(path, name, file.read(MOST_BYTES + 1))
    return found


def _of_tar(path: Path, wanted: frozenset[str]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name in wanted and name not in found and (file := archive.extractfile(member)) is not None:
                found[name] = _bounded(path, name, file.read(MOST_BYTES + 1))
    return found


def _begin_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _bounded(path: Path, name: str, content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise DataError(f"{path}: {name} has more than {MOST_BYTES >> 30} GiB; split the archive")
    return content
