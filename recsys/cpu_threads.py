"""Number of threads of numerical libraries. It imports none of them, so that torch loads only if needed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_requested: list[int] = []
"""Counts of the open blocks, innermost last."""

_default: list[int] = []
"""Number of torch threads before the first block; empty while no block is open."""


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Limit torch and numpy to `count` threads in this block: one request needs one, a training batch all.

    The threads of numpy's OpenBLAS spin while they wait: on two idle cores they doubled the CPU time of a feed.
    Code that loads torch in the block must call `limit_torch` afterwards.
    """
    _requested.append(count)
    limit_torch()
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        _requested.remove(count)
        limit_torch()


def limit_torch() -> None:
    """Apply the limit of the innermost open block to torch, if it is loaded, or restore its own number."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if _requested:
        _default[:] = _default or [torch.get_num_threads()]
        torch.set_num_threads(_requested[-1])
    elif _default:
        torch.set_num_threads(_default.pop())
