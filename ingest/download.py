"""MIND from its public address: resumable, and unpacked without trusting the archive's paths."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import httpx

from recsys.errors import DataError

Size = Literal["small", "large"]
Progress = Callable[[int, int], None]
"""Told (bytes here, bytes in all; 0 if the server does not say)."""

MIRRORS = (
    "https://recodatasets.z20.web.core.windows.net/newsrec",
    "https://huggingface.co/datasets/Recommenders/MIND/resolve/main",
    "https://mind201910small.blob.core.windows.net/release",
)
"""Public addresses that have carried the archives, in the order they are tried."""

_SPLITS = ("train", "dev")
_WANTED = ("news.tsv", "behaviors.tsv")
_LARGEST_FILE = 16 << 30
_CHUNK = 1 << 20
_TIMEOUT = httpx.Timeout(30.0)


def mind(size: Size, folder: Path, progress: Progress | None = None, mirrors: Sequence[str] = MIRRORS) -> None:
    """Bring ``train`` and ``dev`` of MIND into `folder`; what is there already is left alone.

    Raises:
        DataError: no mirror delivers, an archive is damaged, or `folder` cannot be written to.
    """
    try:
        for split in _SPLITS:
            if not all((folder / split / name).is_file() for name in _WANTED):
                _bring(folder / f"MIND{size}_{split}.zip", folder / split, progress, mirrors)
    except OSError as error:
        raise DataError(f"cannot write below {folder}: {error}") from error


def fetch(url: str, target: Path, progress: Progress | None = None) -> None:
    """Download `url` to `target`, going on where an earlier attempt stopped (HTTP Range, RFC 9110 §14).

    Raises:
        httpx.HTTPError: the server cannot be reached, refuses, or hangs up.
    """
    unfinished = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    have = unfinished.stat().st_size if unfinished.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            unfinished.replace(target)  # all of it was here already
            return
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        total = have + int(response.headers.get("Content-Length", -have))
        with unfinished.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
    unfinished.replace(target)


def unpack(archive: Path, folder: Path) -> None:
    """Take MIND's two tables out of `archive`, wherever they lie in it, into `folder`. Nothing else is written.

    Raises:
        DataError: the archive is damaged (it is deleted), or lacks a table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            for name in _WANTED:
                _unpack_one(packed, name, folder)
    except (zipfile.BadZipFile, EOFError) as error:
        archive.unlink()
        raise DataError(f"{archive.name} came damaged ({error}) and was deleted; run the command again") from error


def _unpack_one(packed: zipfile.ZipFile, name: str, folder: Path) -> None:
    member = next((info for info in packed.infolist() if Path(info.filename).name == name), None)
    if member is None:
        raise DataError(f"{packed.filename} holds no {name}; it is not MIND's archive")
    if member.file_size > _LARGEST_FILE:
        raise DataError(f"{name} in {packed.filename} would unpack to {member.file_size} bytes; refused")
    unfinished = folder / f"{name}.part"
    with packed.open(member) as source, unfinished.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
    unfinished.replace(folder / name)


def _bring(archive: Path, folder: Path, progress: Progress | None, mirrors: Sequence[str]) -> None:
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
