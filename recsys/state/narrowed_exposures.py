"""Exposures of a shard out of those of all readers, or of a larger shard, whose snapshot it starts from."""

import numpy as np
from numpy.typing import NDArray

from recsys.state.attribution_windows import WINDOW, AttributionWindows, Head
from recsys.state.exposures import ATTRIBUTION_PAGES, EXPOSURES_PAGE, RING_LENGTH, Exposures
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
    result.restore({name: _pages(field)[pages].reshape(-1) for name, field in exposures.fields.items()})
    return result


def _windows(rings: Exposures, windows: AttributionWindows, given: Rows) -> AttributionWindows:
    """Return the windows of readers whose rows are in `rings`, or ~rows in `windows`."""
    result = AttributionWindows()
    counts = np.zeros(len(given), dtype=np.int64)
    table = np.full((len(given), ATTRIBUTION_PAGES), -1, dtype=np.int32)
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
        int(row): windows.heads[there]
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
    """Windows of some rows: pages [p, 32] of `article` and `place`, and their numbers by row [r, 3]."""

    def __init__(self, rows: int) -> None:
        self.table = np.full((rows, ATTRIBUTION_PAGES), -1, dtype=np.int32)
        self.second: NDArray[np.uint32] = np.zeros(rows, dtype=np.uint32)
        self.article: NDArray[np.int32] = np.zeros((0, EXPOSURES_PAGE), dtype=np.int32)
        self.place: NDArray[np.uint8] = np.zeros((0, EXPOSURES_PAGE), dtype=np.uint8)
        self.heads: dict[int, Head] = {}


def _cut(exposures: Exposures, rows: Rows) -> _Part:
    """Cut the windows out of the rings of `rows`."""
    part, table = _Part(len(rows)), exposures.rings.table[rows].astype(np.int64)
    if not len(rows) or not exposures.rings.pages_used:
        return part
    article, shown, place = (_pages(exposures.fields[name]) for name in ("article", "shown", "place"))
    in_ring, columns = RING_LENGTH // EXPOSURES_PAGE, np.arange(ATTRIBUTION_PAGES)
    newest = (exposures.rings.counts[rows] - 1) // EXPOSURES_PAGE
    page = newest[:, None] - columns
    owner, column = np.nonzero(page >= 0)
    page = page[owner, column]
    found = table[owner, page % in_ring]
    seconds = shown[found]
    goes_on = np.zeros(seconds.shape, dtype=np.bool_)
    goes_on[:, 1:] = seconds[:, 1:] == seconds[:, :-1]
    before = shown[table[owner, (page - 1) % in_ring], -1]
    goes_on[:, 0] = (page > 0) & (before == seconds[:, 0])
    part.article = np.where(goes_on, ~article[found], article[found]).astype(np.int32)
    part.place = place[found].astype(np.uint8)
    part.table[owner, page % ATTRIBUTION_PAGES] = np.arange(len(owner))
    last = (exposures.rings.counts[rows] - 1) % EXPOSURES_PAGE
    ends = column == 0
    part.second[owner[ends]] = seconds[np.flatnonzero(ends), last[owner[ends]]]
    starts = goes_on[:, 0] & (page == np.maximum(newest[owner] + 1 - ATTRIBUTION_PAGES, 0))
    for row in owner[starts].tolist():
        part.heads[row] = _head(exposures, int(rows[row]))
    return part


def _head(exposures: Exposures, row: int) -> Head:
    """Return the entries before the window in the second in which it begins, oldest first."""
    slots = exposures.rings.recent(row, RING_LENGTH)
    count = exposures.rings.count(row)
    filled = WINDOW - (-count % EXPOSURES_PAGE)
    shown = exposures.fields["shown"][slots]
    begin = end = len(slots) - filled
    while begin > 0 and shown[begin - 1] == shown[end]:
        begin -= 1
    entries = slots[begin:end]
    article, place = (exposures.fields[name][entries].astype(np.int64).tolist() for name in ("article", "place"))
    return list(zip(article, place, strict=True))


def _pages(field: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the whole pages of a field [p, 32]."""
    return field[: len(field) // EXPOSURES_PAGE * EXPOSURES_PAGE].reshape(-1, EXPOSURES_PAGE)
