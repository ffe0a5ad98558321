"""Arrays of a safetensors file, mapped into memory: a shard copies its part, and never holds the whole."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

_TYPES = {"F64": "f8", "F32": "f4", "I64": "i8", "I32": "i4", "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1"}
_LENGTH = 8
"""Bytes of the header's length; then come the header, in JSON, and the arrays."""


def mapped(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the arrays of a file; the arrays are read-only, and read when they are used.

    Raises:
        OSError: the file cannot be read.
        SafetensorError: it is no safetensors file, or is cut off.
    """
    with safe_open(path, framework="numpy") as checked:
        metadata = checked.metadata() or {}
    content = np.memmap(path, dtype=np.uint8, mode="r")
    begin = _LENGTH + int.from_bytes(content[:_LENGTH].tobytes(), "little")
    header: dict[str, Any] = json.loads(content[_LENGTH:begin].tobytes())
    header.pop("__metadata__", None)
    return metadata, {name: _array(content[begin:], entry) for name, entry in header.items()}


def _array(content: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    first, end = entry["data_offsets"]
    return content[first:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
