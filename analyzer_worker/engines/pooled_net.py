"""The common part of the built-in models' networks: the mean over tokens, one linear layer, and merging LoRA."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from wire.messages.results import LABELS

HEAD = "head."


class PooledNet(nn.Module, ABC):
    """Token ids → one logit per label, from the mean over all tokens but padding."""

    def __init__(self, encoder: nn.Module, hidden: int, dropout: float = 0.0) -> None:
        """Put a linear head on ``encoder``, whose states are ``hidden`` wide."""
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, len(LABELS))

    @abstractmethod
    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode, (batch, tokens, hidden); arguments as in ``forward``."""

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Compute the logits, (batch, 3) float32.

        Args:
            ids: token ids, (batch, tokens) int64.
            mask: 1 for a token, 0 for padding, (batch, tokens) int64.
        """
        weights = mask.unsqueeze(-1).float()
        pooled = (self.states(ids, mask).float() * weights).sum(1) / weights.sum(1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


@torch.no_grad()
def merge_adapter(net: PooledNet, adapter: Mapping[str, Tensor], scale: float) -> None:
    """Add LoRA to the encoder's weights in place, W += scale·B·A (arXiv:2106.09685, section 4.1), and set the head.

    Args:
        net: the network to change.
        adapter: ``MODULE.lora_A`` (rank, inputs) and ``MODULE.lora_B`` (outputs, rank) for each adapted module, and
            ``head.weight``, ``head.bias``.
        scale: alpha / rank.

    Raises:
        KeyError: a tensor is missing.
        AttributeError: the network has no module of that name.
        RuntimeError: a shape does not fit the network.
    """
    head = {name.removeprefix(HEAD): tensor.float() for name, tensor in adapter.items() if name.startswith(HEAD)}
    net.head.load_state_dict(head)
    modules = {name.rpartition(".")[0] for name in adapter if not name.startswith(HEAD)}
    for module in modules:
        down, up = adapter[f"{module}.lora_A"].float(), adapter[f"{module}.lora_B"].float()
        net.encoder.get_parameter(f"{module}.weight").add_(scale * (up @ down))


def pad(rows: Sequence[Sequence[int]], padding: int = 0) -> tuple[Tensor, Tensor]:
    """Return ids padded at their end, and the mask with 1 for a token; both (rows, longest) int64."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[padding] * (width - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return ids, mask
