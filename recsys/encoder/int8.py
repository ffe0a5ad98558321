"""Linear layers in int8: faster on a CPU, with some loss of quality (docs/compute.md).

Weights are quantised once, with one scale per output; inputs at each call, with one scale per token. So the other
texts of a batch change a vector only in the last bits of float32, where they tip a rounding.
torch.ao.quantization.quantize_dynamic is deprecated, and has one scale per batch, so that a text's vector depends
on the others. Its successor torchao rounds as here, but was far slower than float32 on a CPU (docs/log/).
"""

import warnings

import torch
from torch import nn

from recsys.errors import ConfigError

_WEIGHT_LEVELS = 127
_INPUT_LEVELS = 63
"""Levels on either side of zero, 7 bits: with 8, CPUs without VNNI overflow when they add pairs of products."""
_INPUT_ZERO = 64
_MIN_SCALE = torch.finfo(torch.float32).tiny
"""Smallest scale, so that rows of zeros can be divided by it."""


_ENGINES = ("x86", "fbgemm")
"""Quantisation engines that have the kernel used here."""


class Int8Linear(nn.Module):
    """Linear layer with weights in int8, for inference on a CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._packed = _packed(linear.weight.detach())
        bias = linear.bias
        self._bias_O = torch.zeros(linear.out_features) if bias is None else bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (..., in) → (..., out), float32."""
        scale = inputs.abs().amax(dim=-1, keepdim=True).clamp_(min=_MIN_SCALE)
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            inputs / scale, 1 / _INPUT_LEVELS, _INPUT_ZERO, self._packed
        )
        return torch.addcmul(self._bias_O, product, scale)


def quantise(model: nn.Module, device: torch.device) -> None:
    """Replace every linear layer of `model` by an int8 one, in place.

    Raises:
        ConfigError: the device is not a CPU, or the CPU lacks the kernels.
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
    scale_O = (weight_OI.abs().amax(dim=1) / _WEIGHT_LEVELS).clamp(min=_MIN_SCALE).double()
    zero_O = torch.zeros(len(scale_O), dtype=torch.long)
    with warnings.catch_warnings():
        # torch 2.13 deprecates tensors of quantised types (pytorch issue 184982), but these kernels need them for
        # their weights; the kernels for plain int8 (onednn.qlinear_pointwise) were not faster than float32
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel", UserWarning)
        rounded_OI = torch.quantize_per_channel(weight_OI, scale_O, zero_O, 0, torch.qint8)
    packed: torch.Tensor = torch.ops.quantized.linear_prepack(rounded_OI, None)
    return packed
