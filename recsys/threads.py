"""How many threads numerical libraries use. It imports none of them: who needs no torch shall not load it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_asked: list[int] = []
"""By the blocks that are open, the innermost last."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch and numpy use `count` threads inside: one request is faster with one, a training batch with all.

    The threads of numpy's OpenBLAS spin while they wait: on two idle cores they doubled the CPU time of a feed.
    Whoever loads torch inside the block calls `limit_torch` then.
    """
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    _asked.append(count)
    limit_torch()
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        _asked.pop()
        if torch is not None:
            torch.set_num_threads(before)


def limit_torch() -> None:
    """Tell torch of the block around, if there is one and torch is loaded."""
    torch = sys.modules.get("torch")
    if torch is not None and _asked:
        torch.set_num_threads(_asked[-1])
