"""Finding a reader in reject files, whose rows may be of any form, and taking the reader out of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SURE = 8
"""An id this long is taken out also where it is part of a longer word; shorter ones stand in too many."""


def rejected_rows_of(folder: Path, reader: str) -> list[dict[str, Any]]:
    """Rejected rows that say they are of `reader`: those whose text is a JSON object."""
    return [row for file in _files(folder) for row in _rows(file) if _reader(row) == reader]


def erase_rejected_rows(folder: Path, reader: str) -> int:
    """Delete every rejected row that names `reader`, in whatever form; returns how many."""
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
        told = json.loads(row["raw"])
    except ValueError:
        return None
    return told.get("reader") if isinstance(told, dict) else None


def _pattern(reader: str) -> re.Pattern[str]:
    """The id as it is, or escaped once or twice, as JSON in JSON has it."""
    once = [json.dumps(reader, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)]
    twice = [json.dumps(text)[1:-1] for text in once]
    any_form = "|".join(re.escape(form) for form in dict.fromkeys([reader, *once, *twice]))
    return re.compile(any_form if len(reader) >= _SURE else rf"(?<![^\W_])(?:{any_form})(?![^\W_])")


def _rewritten(file: Path, pattern: re.Pattern[str]) -> int:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [line for line in lines if not pattern.search(line)]
    if len(kept) < len(lines):
        anew = file.with_suffix(".anew")
        anew.write_text("".join(kept), encoding="utf-8")
        anew.replace(file)
    return len(lines) - len(kept)
