"""CSV (RFC 4180) with a header and commas, semicolons or tabs. A file has one kind of rows, by its columns.

A stray quote must not swallow the rows after it: if a record over several lines does not fit the header, only its
first line is rejected, and reading continues after that line.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ingest import generic_schema, reasons
from ingest.generic_schema import DEFAULT, Reading
from ingest.mapping import RowMapping
from ingest.raw_batch import RAW_CHARS, Batch, reject, rejects_frame
from ingest.reasons import reason
from ingest.sources import source
from ingest.sources.lines import BLOCK_BYTES, LONGEST_LINE, Block, blocks, decode
from recsys.errors import DataError

_SEPARATORS = ",;\t"
_OPEN_QUOTE = reason("row", reasons.OPEN_QUOTE)
_MOST_LINES = 1_000
"""A longer record is treated as a quote that was never closed."""

csv.field_size_limit(LONGEST_LINE)


class _Line(NamedTuple):
    """Decoded line: its number in the file, and its first byte, counted over all files."""

    number: int
    text: str
    position: int


_Reject = tuple[int, str, str | bytes]
"""Line number, reason, line."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Header of one file: kind of its rows, columns, and separator.

    headless: the first line is a row, and a mapping names the columns. quotes: cells may stand in quotes.
    """

    kind: str
    names: list[str]
    separator: str
    headless: bool = False
    quotes: bool = True

    def parse(self, text: str) -> list[str] | str:
        """Return the cells of a record, or the reason why it does not fit."""
        try:
            cells = (
                next(csv.reader([text], delimiter=self.separator, strict=True), [])
                if self.quotes
                else text.split(self.separator)
            )
        except csv.Error:
            return _OPEN_QUOTE
        return cells if len(cells) == len(self.names) else reason("row", reasons.OTHER_COLUMNS)


@dataclass(slots=True)
class _Records:
    """Records found so far in a part of the lines; `unfinished`: lines of an incomplete record at its end."""

    cells: list[list[str]] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    rejects: list[_Reject] = field(default_factory=list)
    unfinished: list[_Line] = field(default_factory=list)

    def add(self, line: _Line, found: list[str] | str) -> None:
        if isinstance(found, str):
            self.rejects.append((line.number, found, line.text))
        else:
            self.cells.append(found)
            self.lines.append(line)


class CsvFiles:
    """Source of CSV files, or folders of ``*.csv``."""

    name = "csv"

    def __init__(self, paths: Sequence[Path], block_bytes: int = BLOCK_BYTES, reading: Reading = DEFAULT) -> None:
        """Find the files and read their headers.

        Raises:
            DataError: a path does not exist, all files are empty, or a header lacks required columns.
        """
        self._paths = [path for path in source.expand(paths, ".csv") if path.stat().st_size]
        self.fingerprint = source.fingerprint(reading.job_name(self.name), self._paths)
        self._layouts = {path: read_layout(path, reading.mapping) for path in self._paths}
        self._block_bytes = block_bytes
        self._reading = reading
        self.total = sum(path.stat().st_size for path in self._paths)

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield one batch per block of lines; positions are bytes, always of the first line of a record."""
        unfinished: list[_Line] = []
        pending: list[_Reject] = []
        ends = _ends(self._paths)
        for block in blocks(self._paths, start, self._block_bytes):
            layout = self._layouts[block.path]
            lines, rejects = _texts(block, layout)
            found = split_records(unfinished + lines, layout, final=block.end in ends)
            unfinished = found.unfinished
            rejects, pending = _split_rejects(pending + rejects + found.rejects, unfinished)
            yield _batch(block, layout, found, rejects, self._reading)


def read_layout(path: Path, mapping: RowMapping | None = None) -> Layout:
    """Read the header of a CSV file; a mapping may name the columns of a file without one.

    Raises:
        DataError: its encoding or its line ends cannot be read, a column is repeated, or required columns are
            missing.
    """
    if mapping is not None and mapping.columns is not None:
        separator = mapping.separator or ","
        return Layout("unrecognised", list(mapping.columns), separator, headless=True, quotes=mapping.quotes)
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line:
        raise DataError(
            f"{path}: the file is UTF-16 or UTF-32; convert it, for example: "
            f"iconv -f UTF-16 -t UTF-8 {path.name} > new.csv"
        )
    text = decode(line.removeprefix(codecs.BOM_UTF8))
    if text is None:
        raise DataError(
            f"{path}: the header is not UTF-8; convert the file, for example from Windows or Excel: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {path.name} > new.csv"
        )
    if "\r" in text.rstrip("\r\n"):
        raise DataError(f"{path}: lines end with CR alone; convert them: tr '\\r' '\\n' < {path.name} > new.csv")
    separator = max(_SEPARATORS, key=text.count)
    try:
        names = [name.strip() for name in next(csv.reader([text.rstrip("\r\n")], delimiter=separator), [])]
    except csv.Error as error:
        raise DataError(f"{path}: the header cannot be read ({error}); write one line of column names") from error
    return Layout("unrecognised" if mapping is not None else source.required_kind(path, names), names, separator)


def split_records(lines: list[_Line], layout: Layout, final: bool) -> _Records:
    """Join lines to records. `final`: no lines follow, so an open quote is never closed."""
    found = _Records()
    at = 0
    while at < len(lines):
        if not lines[at].text.strip():  # blank line between records; within quotes it is part of the cell
            at += 1
            continue
        single = layout.parse(lines[at].text)
        if single != _OPEN_QUOTE:
            found.add(lines[at], single)
            at += 1
            continue
        end = _closing_line(lines, at)
        if end is None and not final and len(lines) - at < _MOST_LINES:
            found.unfinished = lines[at:]
            break
        joined = single if end is None else layout.parse("\n".join(line.text for line in lines[at : end + 1]))
        found.add(lines[at], joined)
        at = at + 1 if end is None or isinstance(joined, str) else end + 1
    return found


def _closing_line(lines: list[_Line], start: int) -> int | None:
    quotes = 0
    for index in range(start, min(start + _MOST_LINES, len(lines))):
        quotes += lines[index].text.count('"')
        if quotes % 2 == 0:
            return index
    return None


def _texts(block: Block, layout: Layout) -> tuple[list[_Line], list[_Reject]]:
    lines: list[_Line] = []
    rejects: list[_Reject] = []
    position = block.position
    for number, line in enumerate(block.lines, start=block.first):
        text = decode(line.removesuffix(b"\r"))
        if text is None or len(line) >= LONGEST_LINE:
            why = reason("row", reasons.NO_UTF8) if text is None else reason("row", reasons.LONG_LINE)
            rejects.append((number, why, line[: 4 * RAW_CHARS]))
        else:
            lines.append(_Line(number, text, position))
        position += len(line) + 1
    return lines[1:] if block.first == 1 and not layout.headless else lines, rejects


def _split_rejects(rejects: list[_Reject], unfinished: list[_Line]) -> tuple[list[_Reject], list[_Reject]]:
    """Return the rejects before the unfinished record, and the others, which a resumed job meets again."""
    first = unfinished[0].number if unfinished else None
    before = [row for row in rejects if first is None or row[0] < first]
    return before, [row for row in rejects if first is not None and row[0] >= first]


def _ends(paths: Sequence[Path]) -> set[int]:
    ends, before = set(), 0
    for path in paths:
        before += path.stat().st_size
        ends.add(before)
    return ends


def _batch(block: Block, layout: Layout, found: _Records, rejects: list[_Reject], reading: Reading) -> Batch:
    table = [dict(zip(layout.names, cells, strict=True)) for cells in found.cells]
    places = pl.DataFrame(
        {
            "file": [block.path.name] * len(found.lines),
            "row": [line.number for line in found.lines],
            "raw": [line.text[:RAW_CHARS] for line in found.lines],
        },
        schema={"file": pl.String, "row": pl.Int64, "raw": pl.String},
    )
    position = found.unfinished[0].position if found.unfinished else block.end
    wrong = rejects_frame([reject(block.path.name, row, layout.kind, why, raw) for row, why, raw in rejects])
    if reading.mapping is not None:
        return generic_schema.mapped_batch(position, table, places, reading, wrong)
    rows = generic_schema.from_rows(table, places, layout.kind, reading)
    return generic_schema.batch_of(position, layout.kind, rows, wrong)
