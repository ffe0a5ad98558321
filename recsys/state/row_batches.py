"""Batches for the fold from a few rows: building data frames would cost more than folding them."""

from collections.abc import Sequence

import numpy as np

from recsys.domain import Event, EventKind, Slate
from recsys.state.event_codes import ATTRIBUTED_CLICK, CODE, FOLLOW_BEGINS
from recsys.state.log_batch import Behaviours, Follows, LogBatch, Shown
from recsys.state.vocabulary import Vocabulary

_Shown = tuple[int, int, str, str, int]
"""known_at, order, reader, article, place."""


def batch_rows(
    readers: Vocabulary,
    articles: Vocabulary,
    authors: Vocabulary,
    events: Sequence[Event],
    slates: Sequence[Slate],
) -> LogBatch:
    """Return the same batch as `LiveState.encode` does for frames; add new ids to the vocabularies."""
    together: list[Event | Slate] = [*events, *slates]
    rows = sorted(together, key=lambda row: (row.known_at, row.id))
    acted: list[tuple[int, Event, str]] = []
    shown: list[_Shown] = []
    changes: list[tuple[Event, str]] = []
    for order, row in enumerate(rows, start=1):
        if isinstance(row, Slate):
            shown += _exposures(row, order)
        elif row.article is not None and row.kind == EventKind.IMPRESSION:
            shown.append((row.known_at, order, row.reader, row.article, 0))
        elif row.article is not None and row.kind in CODE:
            acted.append((order, row, row.article))
        elif row.article is None and row.kind in FOLLOW_BEGINS and row.subject is not None:
            changes.append((row, row.subject))
    return LogBatch(
        _behaviours(readers, articles, acted),
        _shown(readers, articles, shown),
        _follows(readers, authors, changes),
    )


def _exposures(slate: Slate, order: int) -> list[_Shown]:
    return [
        (slate.known_at, order, slate.reader, article, place if slate.ordered else 0)
        for place, article in enumerate(slate.candidates, start=1)
    ]


def _behaviours(readers: Vocabulary, articles: Vocabulary, rows: Sequence[tuple[int, Event, str]]) -> Behaviours:
    attributed = [row.kind == EventKind.CLICK and row.request_id is not None for _, row, _ in rows]
    pairs = list(zip(attributed, (row for _, row, _ in rows), strict=True))
    kinds = [ATTRIBUTED_CLICK if is_attributed else CODE[row.kind] for is_attributed, row in pairs]
    values = [1.0 if is_attributed else row.value or 0.0 for is_attributed, row in pairs]
    return Behaviours(
        np.asarray([row.known_at for _, row, _ in rows], dtype=np.int64),
        np.asarray([order for order, _, _ in rows], dtype=np.int64),
        np.asarray([row.at for _, row, _ in rows], dtype=np.int64),
        readers.intern([row.reader for _, row, _ in rows]),
        articles.intern([article for _, _, article in rows]),
        np.asarray(kinds, dtype=np.int64),
        np.asarray(values, dtype=np.float64),
    )


def _follows(readers: Vocabulary, authors: Vocabulary, rows: Sequence[tuple[Event, str]]) -> Follows:
    return Follows(
        np.asarray([row.known_at for row, _ in rows], dtype=np.int64),
        readers.intern([row.reader for row, _ in rows]),
        authors.intern([subject for _, subject in rows]),
        np.asarray([FOLLOW_BEGINS[row.kind] for row, _ in rows], dtype=np.bool_),
    )


def _shown(readers: Vocabulary, articles: Vocabulary, rows: Sequence[_Shown]) -> Shown:
    return Shown(
        np.asarray([known_at for known_at, *_ in rows], dtype=np.int64),
        np.asarray([order for _, order, *_ in rows], dtype=np.int64),
        readers.intern([reader for _, _, reader, _, _ in rows]),
        articles.intern([article for *_, article, _ in rows]),
        np.asarray([place for *_, place in rows], dtype=np.int64),
    )
