"""MIND (Wu et al., ACL 2020): the official ``news.tsv`` and ``behaviors.tsv``, and data sets of the same layout.

The files have no header and no quotes. docs/ingest.md describes the times given to rows without one and to
histories.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ingest import reasons
from ingest.pseudonyms import PLAIN, Pseudonyms
from ingest.raw_batch import RAW_ARTICLES, Batch
from ingest.sources import mind_behaviour, source, tsv
from ingest.sources.lines import Block, blocks
from recsys.errors import DataError
from recsys.frames import conform

SPLITS = ("", "train", "dev")
NEWS_COLUMNS = ("id", "category", "subcategory", "title", "abstract", "url", "title_entities", "abstract_entities")
_BLOCK_BYTES = 4 << 20


class Mind:
    """Source of a folder with ``news.tsv`` and ``behaviors.tsv``, directly or in ``train`` and ``dev``."""

    name = "mind"

    def __init__(self, folder: Path, block_bytes: int = _BLOCK_BYTES, pseudonyms: Pseudonyms = PLAIN) -> None:
        """Find the files and count their columns.

        Raises:
            DataError: there are no such files, they are empty, or have other columns.
        """
        self._news = _find(folder, "news.tsv")
        self._behaviours = _find(folder, "behaviors.tsv")
        self._paths = [*self._news, *self._behaviours]
        if not self._paths:
            raise DataError(
                f"{folder} contains no MIND files: expected news.tsv and behaviors.tsv, or train/ and dev/"
            )
        self.total = sum(path.stat().st_size for path in self._paths)
        if not self.total:
            raise DataError(f"{folder}: the data set is empty; download it again")
        self.fingerprint = source.fingerprint(self.name, self._paths)
        for path in self._news:
            tsv.width(path, [len(NEWS_COLUMNS)])
        self._columns = {path: _behaviour_columns(path) for path in self._behaviours}
        self._block_bytes = block_bytes
        self._pseudonyms = pseudonyms

    def batches(self, start: int) -> Iterator[Batch]:
        """Yield one batch per block of lines, articles first; positions are bytes."""
        planned_path, planned = None, pl.DataFrame()
        for block in blocks(self._paths, start, self._block_bytes):
            if block.path in self._news:
                yield _articles(block)
                continue
            if block.path != planned_path:
                planned_path, planned = block.path, self._plan(block.path)
            yield self._impressions(block, planned)

    def _plan(self, path: Path) -> pl.DataFrame:
        parts = (
            tsv.read(block, self._columns[path], "impressions")[0]
            for block in blocks([path], 0, self._block_bytes)
        )
        return mind_behaviour.plan(map(mind_behaviour.parse, parts))

    def _impressions(self, block: Block, planned: pl.DataFrame) -> Batch:
        table, rejects = tsv.read(block, self._columns[block.path], "impressions")
        rows = mind_behaviour.parse(self._pseudonyms.in_frame(table))
        events = pl.concat([mind_behaviour.histories(rows, planned), mind_behaviour.clicks(rows)])
        return Batch(block.end, events=events, slates=mind_behaviour.slates(rows), rejects=rejects)


def _find(folder: Path, name: str) -> list[Path]:
    return [folder / split / name for split in SPLITS if (folder / split / name).is_file()]


def _behaviour_columns(path: Path) -> tuple[str, ...]:
    """Return the layout of a behaviors.tsv, by what its columns contain.

    Raises:
        DataError: no layout fits.
    """
    columns = tsv.width(path, [5, 4])
    cells = tsv.sample(path, columns)
    found = mind_behaviour.layout(cells) if cells else mind_behaviour.COLUMNS[0]
    if found is None:
        layouts = "; or ".join(", ".join(names) for names in mind_behaviour.COLUMNS)
        first = " | ".join(cell[:20] for cell in cells[0])
        raise DataError(f"{path}: the columns ({first}) fit no layout; order them as {layouts}")
    return found


def _articles(block: Block) -> Batch:
    table, rejects = tsv.read(block, NEWS_COLUMNS, "articles")
    pairs = zip(table["title_entities"], table["abstract_entities"], strict=True)
    entities = [_labels(title, abstract) for title, abstract in pairs]
    labels = pl.Series("entities", [found or [] for found in entities], dtype=pl.List(pl.String))
    lost = table.filter(pl.Series([found is None for found in entities], dtype=pl.Boolean)).select(
        "file",
        "row",
        kind=pl.lit("articles"),
        reason=pl.lit(reasons.reason("entities", reasons.NO_ARRAY)),
        value=pl.coalesce("title_entities", "abstract_entities").str.slice(0, reasons.SHOWN_CHARS),
    )
    articles = conform(table.with_columns(labels), RAW_ARTICLES)
    return Batch(block.end, articles=articles, rejects=rejects, lost=lost)


def _labels(*texts: str | None) -> list[str] | None:
    """Return the names of the entities in title and abstract, each once; None if a cell is not MIND's JSON."""
    try:
        labels = [str(entity["Label"]) for text in texts if text for entity in json.loads(text)]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return list(dict.fromkeys(labels))
