"""Effects of rules of editors on the selection of one page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Limit:
    """Largest number of the `eligible` candidates [n] in a slate."""

    eligible: NDArray[np.bool_]
    most: int


@dataclass(frozen=True, slots=True)
class Edits:
    """Effects of rules on the candidates of one page.

    placed: position from 0 → candidate. withheld: mask [n] of candidates that only a rule may place, here or on a
    later page; None without one. limits: of the quotas.
    """

    placed: Mapping[int, int] = field(default_factory=dict)
    withheld: NDArray[np.bool_] | None = None
    limits: tuple[Limit, ...] = ()

    def __bool__(self) -> bool:
        return self.withheld is not None or bool(self.limits)

    def free(self, order: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the candidates `order` [m] without the withheld ones."""
        return order if self.withheld is None else order[~self.withheld[order]]


NO_EDITS = Edits()
