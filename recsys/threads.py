"""How many threads numerical libraries use. It imports none of them: who needs no torch shall not load it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

_requested: list[int] = []
"""By the blocks that are open, the innermost last."""

_default: list[int] = []
"""What torch used before the first of them; empty while nothing limits it."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch and numpy use `count` threads inside: one request is faster with one, a training batch with all.

    The threads of numpy's OpenBLAS spin while they wait: on two idle cores they doubled the CPU time of a feed.
    Whoever loads torch inside the block calls `limit_torch` then.
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
    """If torch is loaded, let it use what the innermost open block says, or else what it used before them."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if _requested:
        _default[:] = _default or [torch.get_num_threads()]
        torch.set_num_threads(_requested[-1])
    elif _default:
        torch.set_num_threads(_default.pop())
