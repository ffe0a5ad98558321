"""Linear layers in int8: less work for a CPU, at some loss of quality (docs/compute.md).

Weights are rounded once, with a scale for each output; inputs as they come, with a scale for each token. So what
else is in a batch moves a vector no further than the last bits of float32 that tip a rounding.
torch.ao.quantization.quantize_dynamic has one scale for a whole batch instead: there the vector of a text moves
with its neighbours, and it is deprecated. torchao, its successor, rounds as is done here and was far slower than
float32 on a CPU (docs/log/ has the figures).
"""

import warnings

import torch
from torch import nn

from recsys.errors import ConfigError

_WEIGHT_LEVELS = 127
_INPUT_LEVELS = 63
"""Either side of zero. Seven bits: with eight, CPUs without VNNI overflow where they add pairs of products."""
_INPUT_ZERO = 64
_LEAST = torch.finfo(torch.float32).tiny
"""A scale is no smaller: rows of zeros are divided by it."""


_ENGINES = ("x86", "fbgemm")
"""Those that have the kernel used here."""


class Int8Linear(nn.Module):
    """`linear` with its weights in int8; for inference on a CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._packed = _packed(linear.weight.detach())
        bias = linear.bias
        self._bias_O = torch.zeros(linear.out_features) if bias is None else bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(..., in) → (..., out), float32."""
        scale = inputs.abs().amax(dim=-1, keepdim=True).clamp_(min=_LEAST)
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            inputs / scale, 1 / _INPUT_LEVELS, _INPUT_ZERO, self._packed
        )
        return torch.addcmul(self._bias_O, product, scale)


def quantise(model: nn.Module, device: torch.device) -> None:
    """Put every linear layer of `model` into int8, in place.

    Raises:
        ConfigError: the device is no CPU, or none with the kernels.
    """
    if device.type != "cpu":
        raise ConfigError(
            f"ATTUNE_ENCODER_PRECISION int8 needs a CPU, not {device.type}: set ATTUNE_DEVICE to cpu"
        )
    if _engine() not in _ENGINES:
        raise ConfigError("int8 needs an x86 CPU with AVX2: set ATTUNE_ENCODER_PRECISION to float32")
    linear = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    for name, module in linear:
        model.set_submodule(name, Int8Linear(module))


def _engine() -> str:
    return str(torch.backends.quantized.engine)


def _packed(weight_OI: torch.Tensor) -> torch.Tensor:
    scale_O = (weight_OI.abs().amax(dim=1) / _WEIGHT_LEVELS).clamp(min=_LEAST).double()
    zero_O = torch.zeros(len(scale_O), dtype=torch.long)
    with warnings.catch_warnings():
        # since torch 2.13: tensors of quantised types will go (pytorch issue 184982). They are how these kernels
        # take their weights; those that take plain int8 (onednn.qlinear_pointwise) gained nothing here
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel", UserWarning)
        rounded_OI = torch.quantize_per_channel(weight_OI, scale_O, zero_O, 0, torch.qint8)
    packed: torch.Tensor = torch.ops.quantized.linear_prepack(rounded_OI, None)
    return packed
