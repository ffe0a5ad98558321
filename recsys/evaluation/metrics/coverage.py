"""Catalogue coverage: how much of what there is gets shown."""

import numpy as np

from recsys.evaluation.scored_slates import Ints


def coverage(top: Ints, catalogue: int) -> float:
    """Share of the catalogue that stands in at least one list (Ge, Delgado-Battenfeld and Jannach 2010).

    Args:
        top: int64 [S, k], dense article ids, −1 where a list is shorter.
        catalogue: how many articles could have been shown.

    Returns:
        Share in 0..1; NaN for an empty catalogue.
    """
    if not catalogue:
        return float("nan")
    return len(np.unique(top[top >= 0])) / catalogue
