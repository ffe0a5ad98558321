"""Download of MIND from its public address: resumable, and unpacked without trusting paths in the archive."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import httpx

from recsys.errors import DataError

Size = Literal["small", "large"]
Progress = Callable[[int, int], None]
"""Callback (bytes so far, total bytes; 0 if the server does not send it)."""

MIRRORS = (
    "https://recodatasets.z20.web.core.windows.net/newsrec",
    "https://huggingface.co/datasets/Recommenders/MIND/resolve/main",
    "https://mind201910small.blob.core.windows.net/release",
)
"""Public addresses of the archives, in the order of use."""

_SPLITS = ("train", "dev")
_FILES = ("news.tsv", "behaviors.tsv")
_LARGEST_FILE = 16 << 30
_CHUNK = 1 << 20
_TIMEOUT = httpx.Timeout(30.0)


def mind(size: Size, folder: Path, progress: Progress | None = None, mirrors: Sequence[str] = MIRRORS) -> None:
    """Download ``train`` and ``dev`` of MIND to `folder`; existing files do not change.

    Raises:
        DataError: all mirrors fail, an archive is damaged, or `folder` cannot be written.
    """
    try:
        for split in _SPLITS:
            if not all((folder / split / name).is_file() for name in _FILES):
                _download(folder / f"MIND{size}_{split}.zip", folder / split, progress, mirrors)
    except OSError as error:
        raise DataError(f"cannot write below {folder}: {error}") from error


def fetch(url: str, target: Path, progress: Progress | None = None) -> None:
    """Download `url` to `target`, and resume an earlier attempt (HTTP Range, RFC 9110 §14).

    Raises:
        httpx.HTTPError: the server is unreachable, refuses, or closes the connection early.
    """
    unfinished = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    size = unfinished.stat().st_size if unfinished.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            unfinished.replace(target)  # the file was already complete
            return
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        size = size if resumed else 0
        total = size + int(response.headers.get("Content-Length", -size))
        with unfinished.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                size += len(chunk)
                if progress is not None:
                    progress(size, total)
    unfinished.replace(target)


def unpack(archive: Path, folder: Path) -> None:
    """Extract MIND's two tables from any path in `archive` to `folder`, and nothing else.

    Raises:
        DataError: the archive is damaged (then it is deleted), or lacks a table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            for name in _FILES:
                _unpack_one(packed, name, folder)
    except (zipfile.BadZipFile, EOFError) as error:
        archive.unlink()
        raise DataError(f"{archive.name} is damaged ({error}) and was deleted; run the command again") from error


def _unpack_one(packed: zipfile.ZipFile, name: str, folder: Path) -> None:
    member = next((info for info in packed.infolist() if Path(info.filename).name == name), None)
    if member is None:
        raise DataError(f"{packed.filename} contains no {name}: it is not MIND's archive, delete it")
    if member.file_size > _LARGEST_FILE:
        raise DataError(f"{name} in {packed.filename} unpacks to {member.file_size} bytes: too large, delete it")
    unfinished = folder / f"{name}.part"
    with packed.open(member) as source, unfinished.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
    unfinished.replace(folder / name)


def _download(archive: Path, folder: Path, progress: Progress | None, mirrors: Sequence[str]) -> None:
    if not archive.is_file():
        _from_any(mirrors, archive, progress)
    unpack(archive, folder)
    archive.unlink()


def _from_any(mirrors: Sequence[str], archive: Path, progress: Progress | None) -> None:
    failures = []
    for mirror in mirrors:
        try:
            return fetch(f"{mirror}/{archive.name}", archive, progress)
        except httpx.HTTPError as error:
            failures.append(f"{mirror}: {(str(error) or type(error).__name__).splitlines()[0]}")
    raise DataError(
        f"cannot download {archive.name}: {'; '.join(failures)}. Download it by hand (https://msnews.github.io) "
        f"to {archive.parent}, and run the command again"
    )
