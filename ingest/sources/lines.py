"""Text files by blocks of whole lines, from any byte position. Bad lines come through as bytes, to be rejected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 64 << 20
"""A longer line is cut here: what is left of it is rejected, and memory stays bounded."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one file, without their line feeds; `first` is the number of the first one, from 1.

    `position` and `end` count bytes over all files of the source: where the first line begins, behind a byte
    order mark, and where the next block begins.
    """

    path: Path
    first: int
    lines: list[bytes]
    position: int
    end: int

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """(line number, line without carriage return) of the lines that are not blank."""
        for number, line in enumerate(self.lines, start=self.first):
            if line and not line.isspace():
                yield number, line.removesuffix(b"\r")


def blocks(paths: Sequence[Path], start: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """All lines of `paths`, one file after the other, from byte `start` on, which must begin a line."""
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
            text += _rest_of_line(file) if not text.endswith(b"\n") else b""
            mark = len(_BOM) if start == 0 and text.startswith(_BOM) else 0
            lines = text[mark:].split(b"\n")
            if not lines[-1]:
                lines.pop()
            end = file.tell()
            yield Block(path, number, lines, before + start + mark, before + end)
            number += len(lines)
            start = end


def _rest_of_line(file: BinaryIO) -> bytes:
    rest = file.readline(LONGEST_LINE)
    skipped = rest
    while len(skipped) == LONGEST_LINE and not skipped.endswith(b"\n"):
        skipped = file.readline(LONGEST_LINE)
    return rest


def _newlines(path: Path, until: int) -> int:
    count = 0
    with path.open("rb") as file:
        while until > 0 and (text := file.read(min(until, BLOCK_BYTES))):
            count += text.count(b"\n")
            until -= len(text)
    return count


def decode(line: bytes) -> str | None:
    """The line as text; None if it is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
