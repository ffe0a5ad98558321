"""Files of an archive by address: a local folder, or any address that fsspec knows, such as s3://bucket/attune.

A file is written at once and never changed afterwards.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recsys.errors import ArchiveError, ConfigError, StoreError

_INSTALL = "pip install 'attune-feed[archive]', and the driver of the address, such as s3fs for s3://"


def normalized(url: str) -> str:
    """Return the address of a folder as it is recorded: local ones as an absolute path.

    Raises:
        ConfigError: the address needs a library that is not installed, or nothing knows it.
    """
    if _is_local(url):
        return str(Path(_local_path(url)).expanduser().resolve())
    if urlsplit(url).username is not None:
        raise ConfigError("the address must have no password: give it to the driver by its own variables or files")
    _remote(url)
    return url.rstrip("/")


def write(path: str, content: bytes) -> None:
    """Write a file that does not exist yet; it is complete, or it is not there.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        if _is_local(path):
            _write_local(Path(path), content)
        else:
            files, name = _remote(path)
            files.makedirs(name.rpartition("/")[0], exist_ok=True)
            files.pipe_file(name, content)  # object stores show an object once it is complete
    except ConfigError:
        raise
    except Exception as error:  # drivers raise their own kinds
        raise StoreError(
            f"cannot write {path} ({_reason(error)}): check the address and the permissions"
        ) from error


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        ArchiveError: it is missing, or cannot be read.
    """
    try:
        if _is_local(path):
            return Path(path).read_bytes()
        files, name = _remote(path)
        content: bytes = files.cat_file(name)
    except FileNotFoundError as error:
        raise ArchiveError(
            f"the file {path} of the archive is missing: restore it from a backup, then run attune log verify; if "
            "a reader was erased meanwhile, run the command again"
        ) from error
    except ConfigError:
        raise
    except Exception as error:  # drivers raise their own kinds
        raise ArchiveError(f"cannot read {path} of the archive ({_reason(error)}): make it readable") from error
    return content


def delete(path: str) -> None:
    """Delete a file, and what a killed `write` left of it; one that does not exist is no error.

    Raises:
        StoreError: it cannot be deleted.
    """
    try:
        if _is_local(path):
            Path(path).unlink(missing_ok=True)
            _partial(Path(path)).unlink(missing_ok=True)
        else:
            files, name = _remote(path)
            if files.exists(name):
                files.rm_file(name)
    except ConfigError:
        raise
    except Exception as error:  # drivers raise their own kinds
        raise StoreError(f"cannot delete {path} ({_reason(error)}): make it writable") from error


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith("file://")


def _local_path(url: str) -> str:
    path = url.removeprefix("file://")
    return path.removeprefix("localhost") if url.startswith("file://localhost/") else path


def _write_local(path: Path, content: bytes) -> None:
    new = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the rows are deleted from SQL next
        partial.replace(path)
        for folder in {path.parent, *(each.parent for each in new)}:
            _sync(folder)
    finally:
        partial.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Keep the entries of a folder also if the power fails."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _partial(path: Path) -> Path:
    """Return the name of a local file while it is written; `delete` knows it, because a kill may leave it."""
    return path.with_name(f".{path.name}.partial")


def _remote(url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the name of the file in it."""
    try:
        import fsspec  # an extra
    except ModuleNotFoundError as error:
        raise ConfigError(f"archives at {url} need fsspec: {_INSTALL}") from error
    try:
        files, name = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {_reason(error)}; {_INSTALL}") from error
    return files, name


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
