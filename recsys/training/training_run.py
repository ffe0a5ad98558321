"""Inputs of a training run: its options, its progress callback and its temporal split."""

from dataclasses import dataclass
from typing import Literal, Protocol

from recsys.domain import DAY
from recsys.errors import DataError

Labels = Literal["graded", "clicks"]
VALIDATION = DAY
_MOST_OF_SPAN = 4


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Choices for one training.

    seeds: sets of trees whose scores are averaged; tune: trials of other parameters of the trees, 0 for none;
    labels: `clicks` makes every label above 0 a 1, to see what read time is worth.
    """

    seeds: int = 1
    tune: int = 0
    labels: Labels = "graded"


class Progress(Protocol):
    """Told of every step; `total` is None while it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """`stage` names the work, `done` of `total` steps are through."""
        ...


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


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
