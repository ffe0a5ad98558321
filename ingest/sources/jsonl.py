"""JSON lines: one object per line; articles, events and impressions are recognized by their fields, also mixed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ingest import generic_schema
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_CHARS, Batch, reject, rejects_frame
from ingest.sources import source
from ingest.sources.lines import BLOCK_BYTES, LONGEST_LINE, Block, blocks, decode

_Rows = dict[str, tuple[list[dict[str, Any]], list[tuple[int, str]]]]


class JsonLines:
    """Source of files of JSON lines, or folders of ``*.jsonl``."""

    name = "jsonl"

    def __init__(
        self, paths: Sequence[Path], block_bytes: int = BLOCK_BYTES, pseudonyms: Pseudonyms = PLAIN
    ) -> None:
        """Find the files.

        Raises:
            DataError: a path does not exist, or all files are empty.
        """
        self._paths = source.expand(paths, ".jsonl")
        self._block_bytes = block_bytes
        self._pseudonyms = pseudonyms
        self.fingerprint = source.fingerprint(self.name, self._paths)
        self.total = sum(path.stat().st_size for path in self._paths)

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield one batch per block of lines; positions are bytes."""
        for block in blocks(self._paths, start, self._block_bytes):
            yield _batch(block, self._pseudonyms)


def parse_object(text: str) -> dict[str, Any] | str:
    """Return the object of a line, or the reason why it has none."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return "bad_json"
    return row if isinstance(row, dict) else "not_an_object"


def _batch(block: Block, pseudonyms: Pseudonyms) -> Batch:
    rows: _Rows = {kind: ([], []) for kind in generic_schema.FIELDS}
    rejects = []
    for number, line in block.numbered():
        found = _parse(line)
        kind = generic_schema.kind_of(found) if isinstance(found, dict) else None
        if isinstance(found, dict) and kind is not None:
            rows[kind][0].append(found)
            rows[kind][1].append((number, line[: 4 * RAW_CHARS].decode(errors="ignore")[:RAW_CHARS]))
        else:
            reason = found if isinstance(found, str) else "unknown_record"
            rejects.append(reject(block.path.name, number, "unrecognised", reason, line))
    frames = {kind: _frame(block, kind, pseudonyms, *found) for kind, found in rows.items()}
    return Batch(block.end, frames["articles"], frames["events"], frames["impressions"], rejects_frame(rejects))


def _parse(line: bytes) -> dict[str, Any] | str:
    if len(line) >= LONGEST_LINE:
        return "line_too_long"
    text = decode(line)
    return "not_utf8" if text is None else parse_object(text)


def _frame(
    block: Block, kind: str, pseudonyms: Pseudonyms, rows: list[dict[str, Any]], places: list[tuple[int, str]]
) -> pl.DataFrame:
    where = pl.DataFrame(places, schema={"row": pl.Int64, "raw": pl.String}, orient="row")
    return generic_schema.from_rows(rows, where.with_columns(file=pl.lit(block.path.name)), kind, pseudonyms)
