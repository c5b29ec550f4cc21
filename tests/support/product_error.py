"""Largest error of a matrix product in each number format, from how the format rounds."""

from torch import Tensor
from torch.nn.functional import linear

from stt_worker.numerics import BFLOAT16, INT8, Format


def product_error(name: Format, weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """Return the largest error of each output (rows, outputs); float32 sums have 1e-6 of their own.

    Args:
        name: the format.
        weight: (outputs, inputs).
        bias: (outputs,).
        x: (rows, inputs).
    """
    size = linear(x.abs(), weight.abs(), None if bias is None else bias.abs())
    if name in BFLOAT16:  # both factors and the bias by what they lose, the result by 2⁻⁸ of itself
        lost_weight, lost_x = _lost(weight), _lost(x)
        lost = linear(lost_x, weight.abs() + lost_weight, None if bias is None else _lost(bias))
        return lost + linear(x.abs(), lost_weight) + 2.0**-8 * (linear(x, weight, bias).abs() + size * 2.0**-8)
    if name in INT8:  # a weight by half a step of its row; an activation by half of theirs, and their zero by as much
        steps = 127 if name == "int8-reduced" else 255
        step = (x.amax().clamp(min=0) - x.amin().clamp(max=0)) / steps
        weight_error = weight.abs().amax(1) / 127 / 2
        inputs = (x.abs() + step).sum(-1, keepdim=True)
        return inputs * weight_error + step * weight.abs().sum(1) + 1e-6 * size
    return 1e-6 * size


def _lost(x: Tensor) -> Tensor:
    """Return what each number loses in bfloat16."""
    return (x - x.bfloat16().float()).abs()
