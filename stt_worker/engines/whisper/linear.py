"""Matrix products with constant weights, one function for each number format (see ``numerics``).

A decoder step reads all its weights from memory for one row, so a quarter of the bytes takes nearly a quarter of the
time. The encoder multiplies hundreds of rows, so the processor's rate counts, and bfloat16 is faster only with
instructions for it.
"""

import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import linear

from stt_worker.numerics import Format

Linear = Callable[[Tensor], Tensor]
"""Maps (…, inputs) to (…, outputs), both of the activations' type, or to bfloat16."""
Pack = Callable[[Tensor, Tensor | None], Linear]
"""Turns a weight, shape (outputs, inputs), and a bias, shape (outputs,), into a matrix product."""

ROWS = 450
"""Number of rows that packed bfloat16 weights are laid out for: 8 s of audio and 1 s of padding. Others are slower, and
as correct."""


def plain(weight: Tensor, bias: Tensor | None) -> Linear:
    """Return torch's own product, in the type of ``weight``."""
    return lambda x: linear(x, weight, bias)


def bfloat16(weight: Tensor, bias: Tensor | None) -> Linear:
    """Return a product with factors and results in bfloat16, and sums in float32."""
    multiply = plain(weight.bfloat16(), None if bias is None else bias.bfloat16())
    return lambda x: multiply(x.bfloat16())


def bfloat16_packed(weight: Tensor, bias: Tensor | None) -> Linear:
    """Return the product of ``bfloat16``, with the weight laid out for oneDNN once.

    Otherwise oneDNN does that for each product, in a tenth of its time. torch's compiler uses the same operators when
    it freezes a model.
    """
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), ROWS)
    if bias is not None:
        bias = bias.bfloat16()
    multiply = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: multiply(x.bfloat16(), packed, bias, "none", [], "")


def int8(weight: Tensor, bias: Tensor | None, *, reduce_range: bool) -> Linear:
    """Return a product with int8 weights, one scale per output, and int8 activations, one scale for all rows of a call.

    So rows influence each other a little; pass one row for results that do not depend on neighbours. The packed format
    is FBGEMM's. torch has deprecated quantised tensors (https://github.com/pytorch/pytorch/issues/184982); they are
    used here only, to pack.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,).
        reduce_range: activations in 7 bits instead of 8.
    """
    weight = weight.float()
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).double()
    zeros = torch.zeros(len(weight), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*are deprecated", category=UserWarning)
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantised, None if bias is None else bias.float())
    multiply = torch.ops.quantized.linear_dynamic.default
    return lambda x: multiply(x, packed, reduce_range)


PACKS: dict[Format, Pack] = {
    "float32": plain,
    "float16": plain,
    "bfloat16": bfloat16,
    "bfloat16-packed": bfloat16_packed,
    "int8": partial(int8, reduce_range=False),
    "int8-reduced": partial(int8, reduce_range=True),
}
