"""Export and erasure of a reader's rows in reject files, which may have any form."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LONG_ID = 8
"""Ids of this length are erased also inside longer words; shorter ones are part of too many words."""


def rejected_rows_of(folder: Path, reader: str) -> list[dict[str, Any]]:
    """Return the rejected rows of `reader`, as far as their text is a JSON object with this reader."""
    return [row for file in _files(folder) for row in _rows(file) if _reader(row) == reader]


def erase_rejected_rows(folder: Path, reader: str) -> int:
    """Delete every rejected row that contains `reader` in any form; return their number."""
    pattern = _pattern(reader)
    return sum(_rewritten(file, pattern) for file in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for end in ("jsonl", "part"):
        yield from sorted(folder.glob(f"*/*.{end}"))


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            yield json.loads(line)


def _reader(row: dict[str, Any]) -> object:
    try:
        row_content = json.loads(row["raw"])
    except ValueError:
        return None
    return row_content.get("reader") if isinstance(row_content, dict) else None


def _pattern(reader: str) -> re.Pattern[str]:
    """Return a pattern of the id, plain or escaped once or twice, as in JSON inside JSON."""
    once = [json.dumps(reader, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)]
    twice = [json.dumps(text)[1:-1] for text in once]
    any_form = "|".join(re.escape(form) for form in dict.fromkeys([reader, *once, *twice]))
    return re.compile(any_form if len(reader) >= _LONG_ID else rf"(?<![^\W_])(?:{any_form})(?![^\W_])")


def _rewritten(file: Path, pattern: re.Pattern[str]) -> int:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    remaining = [line for line in lines if not pattern.search(line)]
    if len(remaining) < len(lines):
        new = file.with_suffix(".anew")
        new.write_text("".join(remaining), encoding="utf-8")
        new.replace(file)
    return len(lines) - len(remaining)
