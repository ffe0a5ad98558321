"""Protocol of sources, and helpers of all sources: files, fingerprints and kinds of rows."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ingest import generic_schema
from ingest.field_names import canonical_names, kind_of
from ingest.raw_batch import Batch
from recsys.errors import DataError

_READ_BYTES = 1 << 20
_FIX = "rename columns, or describe them in a mapping (--map FILE.toml, docs/ingest.md)"


class Source(Protocol):
    """Input that can be read from any position.

    `name` is the format, `fingerprint` changes with any input byte, `total` is the position after the last batch
    (for the progress bar). Positions are in the source's own unit: bytes, rows or steps.
    """

    name: str
    fingerprint: str
    total: int

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield batches from position `start` on, each with the position after it.

        Raises:
            DataError: the input as a whole cannot be read.
        """
        ...


def fingerprint(name: str, paths: Sequence[Path]) -> str:
    """Return the BLAKE2b hash of format, file names and contents, 32 hex digits; folders do not count.

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
            raise DataError(f"cannot read {path}: {error.strerror}; check the file and its permissions") from error
    return digest.hexdigest()


def expand(paths: Sequence[Path], suffix: str) -> list[Path]:
    """Return the files in `paths`; a folder stands for its files with this `suffix`, by name.

    Raises:
        DataError: a path does not exist, a folder has no such file, or all files are empty.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob(f"*{suffix}"))
            if not found:
                raise DataError(f"no {suffix} file in folder {path}: give another folder")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise DataError(f"{path} does not exist: check the path")
    if not any(path.stat().st_size for path in files):
        raise DataError(f"{', '.join(map(str, paths))}: the data set is empty; give other files")
    return files


def required_kind(path: Path, names: Sequence[str]) -> str:
    """Return the kind of rows in a table with these columns.

    Raises:
        DataError: a column is repeated, or required columns are missing.
    """
    kind = kind_of(names)
    if kind is None:
        needed = "; ".join(f"{kind} need {', '.join(need)}" for kind, need in generic_schema.REQUIRED.items())
        raise DataError(f"{path}: columns {', '.join(names)} fit no kind of rows: {needed}; {_FIX}")
    fields = {canonical_names(kind).of(name) for name in names}
    missing = [name for name in generic_schema.REQUIRED[kind] if name not in fields]
    if missing:
        raise DataError(f"{path}: contains {kind} but lacks the columns {', '.join(missing)}; {_FIX}")
    if len(set(names)) < len(names):
        raise DataError(f"{path}: a column is repeated in the header; rename one")
    return kind
