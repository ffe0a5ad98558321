"""Chosen files of a folder, a .zip file or a .tar file, by their names."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from recsys.errors import DataError

MOST_BYTES = 64 << 20
"""Bytes that one file may have after unpacking: as JSON in memory it takes some ten times as much, or more."""

_MOST_MEMBERS = 100_000
"""Members of a .tar file that are looked at; each must be unpacked to reach the next."""

_MOST_UNPACKED = 4 << 30
"""Bytes of a .tar file that are unpacked to reach its members, pictures included."""


_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def archive_files(path: Path, names: Iterable[str]) -> Mapping[str, bytes]:
    """Return the content of the files `names` that `path` has, in whichever folder of the archive they lie.

    Nothing is written to disk, so names of members cannot lead outside a folder.

    Raises:
        DataError: `path` does not exist, is no such archive, is damaged, or is too large.
    """
    wanted = frozenset(names)
    if not path.exists():
        raise DataError(f"{path} does not exist: check the path")
    try:
        if path.is_dir():
            files = {each.name: each for each in sorted(path.iterdir()) if each.name in wanted and each.is_file()}
            return {name: _bounded(path, name, _begin_of(each)) for name, each in files.items()}
        return _of_zip(path, wanted) if zipfile.is_zipfile(path) else _of_tar(path, wanted)
    except (OSError, EOFError, RuntimeError, NotImplementedError, *_DAMAGED) as error:
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
        for number, member in enumerate(archive):
            if number >= _MOST_MEMBERS or member.offset_data > _MOST_UNPACKED:
                raise DataError(f"{path} is too large: unpack it, and give the folder")
            name = member.name.rpartition("/")[2]
            # a link could name any member, or none
            if name in wanted and name not in found and member.isfile():
                file = archive.extractfile(member)
                assert file is not None, "a regular file has content"
                found[name] = _bounded(path, name, file.read(MOST_BYTES + 1))
            if len(found) == len(wanted):
                break
    return found


def _begin_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _bounded(path: Path, name: str, content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise DataError(f"{path}: {name} has more than {MOST_BYTES >> 20} MiB, which is too much for one account")
    return content
