"""Folder of a saved index: `index.json` and one file of vectors. Never pickle."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from recsys.errors import BundleError
from recsys.settings import IndexKind

FORMAT = 1
_NAME = "index.json"


class Header(BaseModel):
    """Content of `index.json`. ids: by position in the file of vectors, null for a removed one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    kind: IndexKind
    structure: str
    dim: int
    expected_size: int = 0
    ids: list[str | None]


def write_header(path: Path, header: Header) -> None:
    """Write `index.json` into the folder `path`; create the folder if missing."""
    path.mkdir(parents=True, exist_ok=True)
    (path / _NAME).write_text(json.dumps(header.model_dump()), encoding="utf-8")


def read_header(path: Path) -> Header:
    """Read `index.json` from the folder `path`.

    Raises:
        BundleError: it is missing, damaged, or has another format.
    """
    try:
        header = Header.model_validate_json((path / _NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(f"no readable index in {path}: {error}") from error
    if header.format != FORMAT:
        raise BundleError(f"the index in {path} has format {header.format}, this version reads {FORMAT}")
    return header


def check_fit(path: Path, header: Header, rows: int, dim: int) -> None:
    """Check that a file of vectors fits its header.

    Raises:
        BundleError: the number of vectors or their length differs.
    """
    if (rows, dim) != (len(header.ids), header.dim):
        raise BundleError(
            f"the index in {path} is damaged: {rows} vectors of {dim} numbers, "
            f"its header says {len(header.ids)} of {header.dim}"
        )
