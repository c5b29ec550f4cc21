"""The library's model with the rounding of a number format, by chance: how far that format can move its scores.

Rounding moves a factor by at most half a step of its format, up or down as the number happens to lie. Here each factor
of the library's own products is moved by a random part of that instead, so the scores scatter around the exact ones as
far as this rounding moves them, for any weights and any sound. What a wrong program adds is not in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import linear
from whisper.model import Whisper

from stt_worker.numerics import BFLOAT16, INT8, Format, Numerics

STEPS: dict[Format, int] = {"int8": 255, "int8-reduced": 127}
"""Steps between the least and the largest activation."""


Product = torch.nn.Linear | torch.nn.Conv1d


class _Rounding:
    """A hook for one product."""

    def __init__(self, product: Product, name: Format, prompt: int, *, stored: bool = False) -> None:
        """Note how ``product`` rounds; the first ``prompt`` rows are one call; ``stored`` results are bfloat16."""
        self._name, self._prompt, self._stored = name, prompt, stored
        self._handle = product.register_forward_hook(self)
        self.remove = self._handle.remove

    def __call__(self, product: Product, inputs: tuple[Tensor], _exact: Tensor) -> Tensor:
        """Return the product of moved factors."""
        (x,) = inputs
        weight: Tensor = product.weight
        bias: Tensor | None = product.bias
        if self._name in BFLOAT16:
            x, weight, bias = _bfloat16(x), _bfloat16(weight), None if bias is None else _bfloat16(bias)
        elif self._name in INT8:
            x = _moved(x, self._step(x) / 2)
            weight = _moved(weight, weight.abs().amax(dim=1, keepdim=True) / 127 / 2)
        if isinstance(product, torch.nn.Conv1d):
            result = product._conv_forward(x, weight, bias)
        else:
            result = linear(x, weight, bias)
        return _bfloat16(result) if self._stored or self._name in BFLOAT16 else result

    def _step(self, x: Tensor) -> Tensor:
        """Return the step of each row of activations, (batch, rows, 1); rows of one call share theirs."""
        high, low = x.amax(dim=-1, keepdim=True).clamp(min=0), x.amin(dim=-1, keepdim=True).clamp(max=0)
        high[:, : self._prompt], low[:, : self._prompt] = high[:, : self._prompt].amax(), low[:, : self._prompt].amin()
        return (high - low) / STEPS[self._name]


def _moved(x: Tensor, most: Tensor) -> Tensor:
    return x + (2 * torch.rand_like(x) - 1) * most


def _bfloat16(x: Tensor) -> Tensor:
    """Move each number by at most half of its last place: 8 bits of it are kept."""
    _, exponent = torch.frexp(x)
    return _moved(x, torch.ldexp(torch.ones_like(x), exponent - 9))


@contextmanager
def rounding(model: Whisper, numerics: Numerics, prompt: int) -> Iterator[None]:
    """Inside, the products of the model round by chance as in these formats, its vocabulary excepted."""
    stored = numerics.decoder in INT8
    encoder = [each for each in model.encoder.modules() if isinstance(each, torch.nn.Linear | torch.nn.Conv1d)]
    hooks = [_Rounding(each, numerics.encoder, 0) for each in encoder]
    for block in model.decoder.blocks:
        audio = (block.cross_attn.key, block.cross_attn.value)
        hooks += [_Rounding(each, numerics.encoder, 0, stored=stored) for each in audio]
        row = [each for each in block.modules() if isinstance(each, torch.nn.Linear) and each not in audio]
        hooks += [_Rounding(each, numerics.decoder, prompt) for each in row]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
