"""The rule of readings in parts, in a plain loop."""

from dataclasses import dataclass

import polars as pl

from recsys.domain import MINUTE, SECOND

_PAGE = 8
_GAP = 30 * MINUTE // SECOND


@dataclass
class _Entry:
    article: str
    opened: int
    ended: int = 0
    seconds: float = 0.0
    read: bool = False
    clicks: int = 0
    in_parts: bool = False

    def takes(self, kind: str, start: int) -> bool:
        if abs(start - self.opened) <= _GAP:
            return True
        goes_on = self.in_parts and kind != "click"
        part = kind == "read" and self.read and not self.clicks
        return (goes_on or part) and self.opened <= start < self.ended + _GAP


def plain_parts(events: pl.DataFrame) -> list[float | None]:
    """For each event, in the order of the fold: the seconds of the reading that it continues, or None."""
    entries: dict[str, list[_Entry]] = {}
    out: list[float | None] = []
    for row in events.iter_rows(named=True):
        before: float | None = None
        if row["kind"] != "impression":
            mine = entries.setdefault(row["reader"], [])
            end = row["at"] // SECOND
            start = end - int(row["value"] or 0) if row["kind"] == "read" else end
            entry = _newest(mine, row["article"])
            if entry is None or not entry.takes(row["kind"], start):
                entry = _Entry(row["article"], start, start)
                mine.append(entry)
            if row["kind"] == "click":
                entry.clicks, entry.in_parts = entry.clicks + 1, False
            elif row["kind"] == "read":
                if entry.clicks:
                    entry.clicks -= 1
                elif entry.read:
                    before, entry.in_parts = entry.seconds, True
                entry.read, entry.seconds = True, (before or 0.0) + row["value"]
                entry.ended = max(end, entry.ended)
        out.append(before)
    return out


def _newest(mine: list[_Entry], article: str) -> _Entry | None:
    last = len(mine) - 1
    oldest = max(last - last % _PAGE - _PAGE, 0)
    return next((entry for entry in reversed(mine[oldest:]) if entry.article == article), None)
