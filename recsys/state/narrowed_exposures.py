"""Exposures of a shard out of those of all readers, or of a larger shard, whose snapshot it starts from."""

import numpy as np
from numpy.typing import NDArray

from recsys.state.attribution_windows import WINDOW_PAGE, WINDOW_PAGES, AttributionWindows, Head
from recsys.state.exposures import EXPOSURES_PAGE, RING_LENGTH, Exposures
from recsys.state.shard import Shard
from recsys.state.shard_exposures import ShardExposures
from recsys.state.vocabulary import Vocabulary

_PART = 50_000
"""Readers converted at once, which bounds the memory."""

Rows = NDArray[np.int64]


def narrowed(exposures: Exposures | ShardExposures, readers: Vocabulary, shard: Shard) -> ShardExposures:
    """Return the exposures of `shard` out of those of a shard that covers it, as if `shard` had folded the log."""
    result = ShardExposures(shard)
    if isinstance(exposures, Exposures):
        rings, given = exposures, np.arange(len(readers))
        windows = AttributionWindows()
    else:
        rings, given = exposures.own, exposures.rows[: len(readers)].astype(np.int64)
        windows = exposures.windows
    result.reserve(readers)
    held = result.rows[: len(readers)] >= 0
    result.own = _taken(rings, given[held])
    result.windows = _windows(rings, windows, given[~held])
    return result


def _taken(exposures: Exposures, rows: Rows) -> Exposures:
    """Return the rings of `rows` alone."""
    result = Exposures()
    table = exposures.rings.table[rows]
    present = table >= 0
    pages = table[present]
    table[present] = np.arange(len(pages))
    result.rings.restore(exposures.rings.counts[rows], table, len(pages))
    result.restore(
        {name: _pages(field, EXPOSURES_PAGE)[pages].reshape(-1) for name, field in exposures.fields.items()}
    )
    return result


def _windows(rings: Exposures, windows: AttributionWindows, given: Rows) -> AttributionWindows:
    """Return the windows of readers whose rows are in `rings`, or ~rows in `windows`."""
    result = AttributionWindows()
    counts = np.zeros(len(given), dtype=np.int64)
    table = np.full((len(given), WINDOW_PAGES), -1, dtype=np.int32)
    result.second = np.zeros(len(given), dtype=np.uint32)
    articles: list[NDArray[np.generic]] = []
    places: list[NDArray[np.generic]] = []
    used = 0
    whole, short = np.flatnonzero(given >= 0), np.flatnonzero(given < 0)
    for start in range(0, len(whole), _PART):
        rows = whole[start : start + _PART]
        part = _cut(rings, given[rows])
        counts[rows], result.second[rows] = rings.rings.counts[given[rows]], part.second
        table[rows] = np.where(part.table >= 0, part.table + used, -1)
        used += len(part.article)
        articles.append(part.article)
        places.append(part.place)
        result.heads |= {int(rows[row]): head for row, head in part.heads.items()}
    before = ~given[short]
    old = windows.rings.table[before]
    pages = old[old >= 0]
    old[old >= 0] = np.arange(used, used + len(pages))
    counts[short], table[short], result.second[short] = windows.rings.counts[before], old, windows.second[before]
    articles.append(_pages(windows.fields["article"])[pages])
    places.append(_pages(windows.fields["place"])[pages])
    result.heads |= {
        int(row): np.array(windows.heads[there])
        for row, there in zip(short.tolist(), before.tolist(), strict=True)
        if there in windows.heads
    }
    result.rings.restore(counts, table, used + len(pages))
    result.fields = {
        "article": np.concatenate(articles).reshape(-1),
        "place": np.concatenate(places).reshape(-1),
    }
    result.refresh()
    return result


class _Part:
    """Windows of some rows: pages [p, 16] of `article` and `place`, and their numbers by row [r, 7]."""

    def __init__(self, rows: int) -> None:
        self.table = np.full((rows, WINDOW_PAGES), -1, dtype=np.int32)
        self.second: NDArray[np.uint32] = np.zeros(rows, dtype=np.uint32)
        self.article: NDArray[np.int32] = np.zeros((0, WINDOW_PAGE), dtype=np.int32)
        self.place: NDArray[np.uint8] = np.zeros((0, WINDOW_PAGE), dtype=np.uint8)
        self.heads: dict[int, Head] = {}


def _cut(exposures: Exposures, rows: Rows) -> _Part:
    """Cut the windows out of the rings of `rows`."""
    part, table = _Part(len(rows)), exposures.rings.table[rows].astype(np.int64)
    if not len(rows) or not exposures.rings.pages_used:
        return part
    article, shown, place = (_pages(exposures.fields[name]) for name in ("article", "shown", "place"))
    halves, pages_in_ring = EXPOSURES_PAGE // WINDOW_PAGE, RING_LENGTH // EXPOSURES_PAGE

    def found(owner: Rows, page: Rows) -> Rows:
        """Return the half pages of a ring that are the pages `page` of a window."""
        return table[owner, page // halves % pages_in_ring] * halves + page % halves

    newest = (exposures.rings.counts[rows] - 1) // WINDOW_PAGE
    pages = newest[:, None] + np.arange(1 - WINDOW_PAGES, 1)
    owner, column = np.nonzero(pages >= 0)
    page = pages[owner, column]
    at = found(owner, page)
    seconds, before = shown[at], shown[found(owner, page - 1), -1]
    goes_on = np.zeros(seconds.shape, dtype=np.bool_)
    goes_on[:, 1:] = seconds[:, 1:] == seconds[:, :-1]
    goes_on[:, 0] = (page > 0) & (before == seconds[:, 0])
    articles = article[at].astype(np.int32)
    part.article = np.where(goes_on, ~articles, articles)
    part.place = place[at].astype(np.uint8)
    part.table[owner, page % WINDOW_PAGES] = np.arange(len(owner))
    last, ends = (exposures.rings.counts[rows] - 1) % WINDOW_PAGE, column == WINDOW_PAGES - 1
    part.second[owner[ends]] = seconds[np.flatnonzero(ends), last[owner[ends]]]
    for row in _with_heads(newest, owner, column, goes_on).tolist():
        part.heads[row] = _head(exposures, int(rows[row]))
    return part


def _with_heads(newest: Rows, owner: Rows, column: Rows, goes_on: NDArray[np.bool_]) -> Rows:
    """Return the rows in which the slate at the start of the window began before the oldest page."""
    whole = np.zeros((len(newest), WINDOW_PAGES), dtype=np.bool_)
    first = np.zeros_like(whole)
    whole[owner, column], first[owner, column] = goes_on.all(axis=1), goes_on[:, 0]
    is_odd = newest % 2 == 1  # then the window begins in the second page of the ring, else in the third
    reaches = whole[:, 0] & np.where(is_odd, first[:, 1], whole[:, 1] & first[:, 2])
    return np.flatnonzero(reaches & (newest >= WINDOW_PAGES))


def _head(exposures: Exposures, row: int) -> Head:
    """Return the entries before the oldest page of a window in the second in which that page begins."""
    slots, count = exposures.rings.recent(row, RING_LENGTH), exposures.rings.count(row)
    shown = exposures.fields["shown"][slots]
    oldest = ((count - 1) // WINDOW_PAGE + 1 - WINDOW_PAGES) * WINDOW_PAGE
    begin = end = len(slots) - (count - oldest)
    while begin > 0 and shown[begin - 1] == shown[end]:
        begin -= 1
    columns = [exposures.fields[name][slots[begin:end]].astype(np.int32) for name in ("article", "place")]
    return np.stack(columns, axis=1)


def _pages(field: NDArray[np.generic], size: int = WINDOW_PAGE) -> NDArray[np.generic]:
    """Return the pages of a field [p, size]."""
    return field[: len(field) // size * size].reshape(-1, size)
