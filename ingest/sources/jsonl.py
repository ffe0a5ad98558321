"""JSON lines: one object per line; articles, events and impressions are recognized by their fields, also mixed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ingest import generic_schema, reasons
from ingest.field_names import RECORDS, kind_of
from ingest.generic_schema import DEFAULT, RawRows, Reading
from ingest.raw_batch import RAW_CHARS, Batch, reject, rejects_frame
from ingest.reasons import reason
from ingest.sources import source
from ingest.sources.lines import BLOCK_BYTES, LONGEST_LINE, Block, blocks, decode

_Rows = dict[str, tuple[list[dict[str, Any]], list[tuple[int, str]]]]


class JsonLines:
    """Source of files of JSON lines, or folders of ``*.jsonl``."""

    name = "jsonl"

    def __init__(self, paths: Sequence[Path], block_bytes: int = BLOCK_BYTES, reading: Reading = DEFAULT) -> None:
        """Find the files.

        Raises:
            DataError: a path does not exist, or all files are empty.
        """
        self._paths = source.expand(paths, ".jsonl")
        self._block_bytes = block_bytes
        self._reading = reading
        self.fingerprint = source.fingerprint(reading.job_name(self.name), self._paths)
        self.total = sum(path.stat().st_size for path in self._paths)

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield one batch per block of lines; positions are bytes."""
        for block in blocks(self._paths, start, self._block_bytes):
            yield _batch(block, self._reading)


def parse_object(text: str) -> dict[str, Any] | str:
    """Return the object of a line, or the reason why it has none."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return reason("row", reasons.NO_JSON)
    return row if isinstance(row, dict) else reason("row", reasons.NO_OBJECT)


def _batch(block: Block, reading: Reading) -> Batch:
    if reading.mapping is not None:
        return _mapped(block, reading)
    rows: _Rows = {kind: ([], []) for kind in RECORDS}
    rejects = []
    for number, line in block.numbered():
        found = _parse(line)
        kind = kind_of(found) if isinstance(found, dict) else None
        if isinstance(found, dict) and kind is not None:
            rows[kind][0].append(found)
            rows[kind][1].append((number, _start(line)))
        else:
            why = found if isinstance(found, str) else reason("row", reasons.NO_KIND)
            rejects.append(reject(block.path.name, number, "unrecognised", why, line))
    found = {kind: _raw(block, kind, reading, *rows_of_kind) for kind, rows_of_kind in rows.items()}
    return Batch(
        block.end,
        found["articles"].rows,
        found["events"].rows,
        found["impressions"].rows,
        rejects_frame(rejects),
        lost=pl.concat([raw.lost for raw in found.values()]),
        unused=frozenset((kind, name) for kind, raw in found.items() for name in raw.unused),
    )


def _mapped(block: Block, reading: Reading) -> Batch:
    rows: list[dict[str, Any]] = []
    places: list[tuple[int, str]] = []
    rejects = []
    for number, line in block.numbered():
        found = _parse(line)
        if isinstance(found, str):
            rejects.append(reject(block.path.name, number, "unrecognised", found, line))
        else:
            rows.append(found)
            places.append((number, _start(line)))
    return generic_schema.mapped_batch(block.end, rows, _placed(block, places), reading, rejects_frame(rejects))


def _start(line: bytes) -> str:
    return line[: 4 * RAW_CHARS].decode(errors="ignore")[:RAW_CHARS]


def _placed(block: Block, places: list[tuple[int, str]]) -> pl.DataFrame:
    where = pl.DataFrame(places, schema={"row": pl.Int64, "raw": pl.String}, orient="row")
    return where.with_columns(file=pl.lit(block.path.name))


def _parse(line: bytes) -> dict[str, Any] | str:
    if len(line) >= LONGEST_LINE:
        return reason("row", reasons.LONG_LINE)
    text = decode(line)
    return reason("row", reasons.NO_UTF8) if text is None else parse_object(text)


def _raw(
    block: Block, kind: str, reading: Reading, rows: list[dict[str, Any]], places: list[tuple[int, str]]
) -> RawRows:
    return generic_schema.from_rows(rows, _placed(block, places), kind, reading)
