"""The network of ``minilm-sentiment-en``: MiniLM encoder, mean over tokens, one linear layer. Used by training too."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor
from transformers import BertConfig, BertModel

from analyzer_worker.engines.pooled_net import PooledNet
from analyzer_worker.weights.base_weights import WEIGHTS

UNUSED = ("pooler.", "embeddings.position_ids")
"""Tensors of the base file that this network does not use."""


class SentimentNet(PooledNet):
    """Pools as all-MiniLM-L6-v2 was trained: the mean over all tokens but padding."""

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode, (batch, tokens, 384)."""
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return states


def load_encoder(folder: Path) -> BertModel:
    """Load the base encoder, float32, from a folder that ``base_weights`` verified."""
    encoder = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
    tensors = load_file(folder / WEIGHTS)
    encoder.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(UNUSED)})
    return encoder
