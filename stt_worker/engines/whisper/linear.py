"""Matrix products with constant weights, in the number format that a processor multiplies fastest.

A decoder step streams all its weights from memory for one row, so a quarter of the bytes is close to a quarter of the
time. The encoder multiplies hundreds of rows, so what counts there is the processor's rate, and bfloat16 is faster only
where it has instructions for it.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import linear

Linear = Callable[[Tensor], Tensor]
"""Maps (…, inputs) to (…, outputs), both of the activations' type, or to bfloat16."""

ROWS = 450
"""What ``bfloat16`` is laid out for: audio positions of 7 s and the 2 s after them. With others it is as correct."""


def plain(weight: Tensor, bias: Tensor | None) -> Linear:
    """The product as torch does it, in the type of ``weight``, shape (outputs, inputs)."""
    return lambda x: linear(x, weight, bias)


def bfloat16(weight: Tensor, bias: Tensor | None) -> Linear:
    """bfloat16 factors and results, sums in float32.

    The weight lies as oneDNN reads it, which it would otherwise arrange anew for each product, in a tenth of its time;
    torch's compiler lays weights out with the same operators when it freezes a model.
    """
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), ROWS)
    if bias is not None:
        bias = bias.bfloat16()
    multiply = torch.ops.mkldnn._linear_pointwise.default
    return lambda x: multiply(x.bfloat16(), packed, bias, "none", [], "")


def int8(weight: Tensor, bias: Tensor | None) -> Linear:
    """Weights in int8 with a scale for each output; activations are quantised on the way in, all rows with one scale.

    So rows influence each other a little: whoever wants results that do not depend on their neighbours passes one.
    The packed format is FBGEMM's. torch announces that tensors which know their quantisation go away
    (https://github.com/pytorch/pytorch/issues/184982); they are used here alone, and only to pack.
    """
    weight = weight.float()
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).double()
    zeros = torch.zeros(len(weight), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*are deprecated", category=UserWarning)
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantised, None if bias is None else bias.float())
    # Without VNNI two products are added up in 16 bits, which 8-bit activations overflow.
    reduce_range = not multiplies_int8()
    multiply = torch.ops.quantized.linear_dynamic.default
    return lambda x: multiply(x, packed, reduce_range)


def packs_int8() -> bool:
    """Whether torch was built with the packed int8 products (x86: yes)."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def multiplies_int8() -> bool:
    """Whether the processor has instructions for sums of int8 products (VNNI)."""
    return bool(torch.cpu._is_vnni_supported())


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for sums of bfloat16 products, and torch what uses them (oneDNN)."""
    instructions = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(instructions and torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
