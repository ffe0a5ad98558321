"""Device and precision of torch."""

from contextlib import AbstractContextManager, nullcontext

import torch

from recsys.errors import ConfigError
from recsys.settings import Device, Precision


def choose_device(requested: Device) -> torch.device:
    """Return the device for a setting; `auto` uses CUDA if available.

    Raises:
        ConfigError: CUDA was requested and is not available.
    """
    if requested == "cuda" and not torch.cuda.is_available():
        raise ConfigError("ATTUNE_DEVICE is cuda, but torch sees no CUDA device: set it to auto or cpu")
    if requested == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(requested)


def inference_precision(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return autocast for bfloat16. The others need none: float32 is the default, int8 is in the layers."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()
