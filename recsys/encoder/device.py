"""Where torch runs, and in which precision."""

from contextlib import AbstractContextManager, nullcontext

import torch

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
