"""The network of ``minilm-sentiment-en``: MiniLM encoder, mean over tokens, one linear layer. Used by training too."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from analyzer_worker.weights.base_weights import WEIGHTS
from wire.messages.results import LABELS

HEAD = "head."
UNUSED = ("pooler.", "embeddings.position_ids")
"""Tensors of the base file that this network does not use."""


class SentimentNet(nn.Module):
    """Token ids → one logit per label. Pools as all-MiniLM-L6-v2 was trained: the mean over all tokens but padding."""

    def __init__(self, encoder: nn.Module, hidden: int, dropout: float = 0.0) -> None:
        """Put a linear head on ``encoder``, whose states are ``hidden`` wide."""
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, len(LABELS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Compute the logits, (batch, 3) float32.

        Args:
            ids: token ids, (batch, tokens) int64.
            mask: 1 for a token, 0 for padding, (batch, tokens) int64.
        """
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # (batch, tokens, 384)
        weights = mask.unsqueeze(-1).float()
        pooled = (states * weights).sum(1) / weights.sum(1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def load_encoder(folder: Path) -> BertModel:
    """Load the base encoder, float32, from a folder that ``base_weights`` verified."""
    encoder = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
    tensors = load_file(folder / WEIGHTS)
    encoder.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(UNUSED)})
    return encoder


@torch.no_grad()
def merge_adapter(net: SentimentNet, adapter: Mapping[str, Tensor], scale: float) -> None:
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
