"""What a job needs of a source, and what all sources share: files found, and told apart by their content."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ingest import generic_schema
from ingest.raw_batch import Batch
from recsys.errors import DataError

_READ_BYTES = 1 << 20


class Source(Protocol):
    """Input that can be read from the middle.

    `name` is the format, `fingerprint` changes when any input byte does, `total` is the position behind the last
    batch (for the progress bar). Positions are the source's own: bytes, rows or steps.
    """

    name: str
    fingerprint: str
    total: int

    def batches(self, start: int) -> Iterator[Batch]:
        """Batches from position `start` on, each telling the position behind it.

        Raises:
            DataError: the input as a whole cannot be read.
        """
        ...


def fingerprint(name: str, paths: Sequence[Path]) -> str:
    """BLAKE2b over format, file names and contents: 32 hex digits. Where a file lies does not count.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=16)
    for path in paths:
        digest.update(f"\0{path.name}\0{path.stat().st_size}\0".encode())
        try:
            with path.open("rb") as file:
                while block := file.read(_READ_BYTES):
                    digest.update(block)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()


def expand(paths: Sequence[Path], suffix: str) -> list[Path]:
    """Files as given; a folder stands for its files that end in `suffix`, by name.

    Raises:
        DataError: a path does not exist, a folder has no such file, or all files are empty.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob(f"*{suffix}"))
            if not found:
                raise DataError(f"no {suffix} file in folder {path}")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise DataError(f"{path} does not exist")
    if not any(path.stat().st_size for path in files):
        raise DataError(f"{', '.join(map(str, paths))}: the data set is empty")
    return files


def required_kind(path: Path, names: Sequence[str]) -> str:
    """The kind of rows that a table with these columns holds.

    Raises:
        DataError: a column stands twice, or required columns are missing.
    """
    kind = generic_schema.kind_of(names)
    if kind is None:
        wanted = "; ".join(f"{kind} need {', '.join(need)}" for kind, need in generic_schema.REQUIRED.items())
        raise DataError(f"{path}: columns {', '.join(names)} fit no kind of rows: {wanted}")
    missing = [name for name in generic_schema.REQUIRED[kind] if name not in names]
    if missing:
        raise DataError(f"{path}: holds {kind} but lacks the columns {', '.join(missing)}; add or rename them")
    if len(set(names)) < len(names):
        raise DataError(f"{path}: a column stands twice in the header; rename one")
    return kind
