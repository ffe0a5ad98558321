"""Arrays that grow by doubling along their first axis."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grow(array: NDArray[Any], rows: int, fill: float = 0) -> NDArray[Any]:
    """`array` itself if it has at least `rows` rows, else a copy with room for twice as many as it had."""
    have = array.shape[0]
    if rows <= have:
        return array
    # zeros cost nothing before they are touched: a large table is written once, not twice
    larger = np.zeros((max(rows, 2 * have, 16), *array.shape[1:]), dtype=array.dtype)
    larger[:have] = array
    if fill:
        larger[have:] = fill
    return larger
