"""Tab-separated lines without header or quotes, as text columns; lines that do not fit are rejected."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingest import reasons
from ingest.raw_batch import RAW_CHARS, reject, rejects_frame
from ingest.reasons import reason
from ingest.sources.lines import LONGEST_LINE, Block, decode
from recsys.errors import DataError

_SAMPLE_BYTES = 1 << 20
_SAMPLE_LINES = 200


@dataclass(slots=True)
class _Lines:
    cells: list[list[str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    rejects: list[dict[str, object]] = field(default_factory=list)


def read(block: Block, names: Sequence[str], kind: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return text columns `names` with "" as null, and file, row, raw; and the rejects, counted as `kind`."""
    found = _Lines()
    for number, line in block.numbered():
        cells = _cells(line, len(names))
        if isinstance(cells, str):
            found.rejects.append(reject(block.path.name, number, kind, cells, line))
        else:
            found.cells.append(cells)
            found.rows.append(number)
            found.raw.append("\t".join(cells)[:RAW_CHARS])
    table = pl.DataFrame(found.cells, schema=dict.fromkeys(names, pl.String), orient="row")
    table = table.with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())
    place = pl.DataFrame({"row": found.rows, "raw": found.raw}, schema={"row": pl.Int64, "raw": pl.String})
    rows = pl.concat([table, place], how="horizontal").with_columns(file=pl.lit(block.path.name))
    return rows, rejects_frame(found.rejects)


def width(path: Path, allowed: Sequence[int]) -> int:
    """Return the number of columns of `path`: the most frequent allowed number near its start.

    Raises:
        DataError: no line has an allowed number of columns.
    """
    with path.open("rb") as file:
        lines = file.read(_SAMPLE_BYTES).split(b"\n")
    counts = Counter(line.count(b"\t") + 1 for line in lines if line.strip())
    fitting = {columns: count for columns, count in counts.items() if columns in allowed}
    if counts and not fitting:
        expected = " or ".join(map(str, allowed))
        found = counts.most_common(1)[0][0]
        raise DataError(f"{path} has {found} tab-separated columns, expected {expected}: use the official file")
    return max(fitting, key=lambda columns: fitting[columns], default=allowed[0])


def sample(path: Path, columns: int) -> list[list[str]]:
    """Return the cells of the first lines of `path` that have this number of columns."""
    with path.open("rb") as file:
        lines = file.read(_SAMPLE_BYTES).split(b"\n")[:_SAMPLE_LINES]
    found = (_cells(line.removesuffix(b"\r"), columns) for line in lines if line.strip())
    return [cells for cells in found if not isinstance(cells, str)]


def _cells(line: bytes, columns: int) -> list[str] | str:
    if len(line) >= LONGEST_LINE:
        return reason("row", reasons.LONG_LINE)
    text = decode(line)
    if text is None:
        return reason("row", reasons.NO_UTF8)
    cells = text.split("\t")
    return cells if len(cells) == columns else reason("row", reasons.OTHER_COLUMNS)
