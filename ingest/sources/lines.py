"""Text files in blocks of whole lines, from any byte position. Bad lines are passed on to be rejected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 64 << 20
"""Longer lines are cut here: the cut line is rejected, and memory is bounded."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one file, without line feeds; `first` is the number of the first line, from 1.

    `position` and `end` count bytes over all files of the source: start of the first line, after a byte order
    mark, and start of the next block.
    """

    path: Path
    first: int
    lines: list[bytes]
    position: int
    end: int

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number, line without carriage return) of the lines that are not blank."""
        for number, line in enumerate(self.lines, start=self.first):
            if line and not line.isspace():
                yield number, line.removesuffix(b"\r")


def blocks(paths: Sequence[Path], start: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield all lines of `paths`, one file after the other, from byte `start` on, which must start a line."""
    before = 0
    for path in paths:
        size = path.stat().st_size
        if start < before + size:
            yield from _blocks_of(path, before, max(0, start - before), block_bytes)
        before += size


def _blocks_of(path: Path, before: int, start: int, block_bytes: int) -> Iterator[Block]:
    with path.open("rb") as file:
        number = 1 + _newlines(path, start)
        file.seek(start)
        while text := file.read(block_bytes):
            text += _end_of_line(file) if not text.endswith(b"\n") else b""
            mark = len(_BOM) if start == 0 and text.startswith(_BOM) else 0
            lines = text[mark:].split(b"\n")
            if not lines[-1]:
                lines.pop()
            end = file.tell()
            yield Block(path, number, lines, before + start + mark, before + end)
            number += len(lines)
            start = end


def _end_of_line(file: BinaryIO) -> bytes:
    end = file.readline(LONGEST_LINE)
    skipped = end
    while len(skipped) == LONGEST_LINE and not skipped.endswith(b"\n"):
        skipped = file.readline(LONGEST_LINE)
    return end


def _newlines(path: Path, until: int) -> int:
    count = 0
    with path.open("rb") as file:
        while until > 0 and (text := file.read(min(until, BLOCK_BYTES))):
            count += text.count(b"\n")
            until -= len(text)
    return count


def decode(line: bytes) -> str | None:
    """Return the line as text, or None if it is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
