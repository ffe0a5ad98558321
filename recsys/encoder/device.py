"""Where torch runs, and in which precision."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from threadpoolctl import threadpool_limits

from recsys.errors import ConfigError
from recsys.settings import Device, Precision


def choose_device(wanted: Device) -> torch.device:
    """`auto` takes CUDA if there is one.

    Raises:
        ConfigError: CUDA was asked for by name and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("ATTUNE_DEVICE is cuda, but torch sees no CUDA device: set it to auto or cpu")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def inference_precision(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Autocast for bfloat16; the others need none: float32 is plain, int8 is in the layers."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch and numpy use `count` threads inside: one request is faster with one, a training batch with all.

    The threads of numpy's OpenBLAS spin while they wait: on two idle cores they doubled the CPU time of a feed.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
