"""What `attune train` can be asked to do differently."""

from dataclasses import dataclass
from typing import Literal

Labels = Literal["graded", "clicks"]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Choices for one training.

    seeds: sets of trees whose scores are averaged; tune: trials of other parameters of the trees, 0 for none;
    labels: `clicks` makes every label above 0 a 1, to see what read time is worth.
    """

    seeds: int = 1
    tune: int = 0
    labels: Labels = "graded"
