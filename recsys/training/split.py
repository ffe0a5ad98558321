"""The temporal split: fit on the past, choose on the next slice."""

from dataclasses import dataclass

from recsys.domain import DAY
from recsys.errors import DataError

VALIDATION = DAY
_MOST_OF_SPAN = 4


@dataclass(frozen=True, slots=True)
class Split:
    """Times in microseconds: fit on [start, validate_from), validate on [validate_from, until)."""

    start: int
    validate_from: int
    until: int

    def blocks(self, length: int = DAY) -> list[tuple[int, int]]:
        """The fit slice cut into stretches of `length`, the first one taking what is left over."""
        ends = list(range(self.validate_from, self.start, -length))[::-1]
        starts = [self.start, *ends[:-1]]
        return list(zip(starts, ends, strict=True))


def split(first: int, until: int) -> Split:
    """The last 24 hours before `until` validate; of a short log, its last quarter.

    Raises:
        DataError: there is nothing before `until`.
    """
    if until <= first:
        raise DataError("no slate was shown before the cut-off: choose a later --until, or ingest click logs")
    return Split(first, until - min(VALIDATION, (until - first) // _MOST_OF_SPAN), until)
