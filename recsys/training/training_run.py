"""Inputs of a training run: its options, its progress callback and its temporal split."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.domain import DAY, iso
from recsys.errors import DataError

Labels = Literal["graded", "clicks"]
VALIDATION = DAY
_MAX_VALIDATION_PART = 4


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Options of a training run.

    seeds: number of tree sets whose scores are averaged; tune: number of Optuna trials, 0 for none; labels:
    `clicks` turns every label above 0 into 1, to measure the value of read time.
    """

    seeds: int = 1
    tune: int = 0
    labels: Labels = "graded"


class Progress(Protocol):
    """Progress callback. `total` is None while unknown."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report that `done` of `total` steps of `stage` are complete."""
        ...


def silent(stage: str, done: int, total: int | None) -> None:
    """Ignore the progress."""


@dataclass(frozen=True, slots=True)
class Split:
    """Temporal split, microseconds: train on [start, validate_from), validate on [validate_from, until)."""

    start: int
    validate_from: int
    until: int

    def blocks(self, length: int = DAY) -> list[tuple[int, int]]:
        """Cut the training slice into blocks of `length`; the first one has the remainder."""
        ends = list(range(self.validate_from, self.start, -length))[::-1]
        starts = [self.start, *ends[:-1]]
        return list(zip(starts, ends, strict=True))


def split(first: int, until: int) -> Split:
    """Split so that the last 24 hours before `until` validate, or the last quarter of a short log.

    Raises:
        DataError: there is nothing before `until`.
    """
    if until <= first:
        raise DataError(f"there is nothing to learn from before {iso(first)}: choose a later --until")
    return Split(first, until - _validation_length(first, until), until)


def with_clicks(when: Split, clicked: NDArray[np.int64]) -> Split:
    """Return a split with slates to learn from in both slices; `when`, if it has them already.

    Otherwise the last day (or quarter) of these slates validates. clicked: their times [n], at least two of them
    different, sorted.
    """
    early = int(np.searchsorted(clicked, when.validate_from))
    if 0 < early < len(clicked):
        return when
    first, end = int(clicked[0]), int(clicked[-1]) + 1
    return replace(when, validate_from=end - max(_validation_length(first, end), 1))


def _validation_length(first: int, until: int) -> int:
    return min(VALIDATION, (until - first) // _MAX_VALIDATION_PART)
