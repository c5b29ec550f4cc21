"""The network of the multilingual model: e5 encoder, mean over tokens, one linear layer. Used by training too."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from analyzer_worker.engines.pooled_net import PooledNet
from analyzer_worker.weights.e5_file import E5File
from analyzer_worker.weights.q4 import QuantizedRows

LINEARS = ("q", "k", "v", "ao", "fi", "fo")
"""Linear layers of each encoder layer: query, key, value, attention output, feed-forward in and out."""


class WordEmbeddings(nn.Module):
    """Token ids → word vectors, read from the file: in memory they would take 384 MB."""

    def __init__(self, rows: QuantizedRows) -> None:
        """Take the word embeddings."""
        super().__init__()
        self._rows = rows

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors, (*ids, hidden) float32."""
        return torch.from_numpy(self._rows.read(ids.numpy()))


class EncoderLayer(nn.Module):
    """One layer of BERT (arXiv:1810.04805): attention and feed-forward, each followed by a layer norm."""

    def __init__(self, hidden: int, heads: int, feed_forward: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.ao = (nn.Linear(hidden, hidden) for _ in range(4))
        self.aln = nn.LayerNorm(hidden, epsilon)
        self.fi = nn.Linear(hidden, feed_forward)
        self.fo = nn.Linear(feed_forward, hidden)
        self.oln = nn.LayerNorm(hidden, epsilon)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Compute the next states, (batch, tokens, hidden).

        Args:
            states: (batch, tokens, hidden) float32.
            mask: True for a token, (batch, 1, 1, tokens); None if no sentence is padded.
        """
        query, key, value = (self._split_heads(layer(states)) for layer in (self.q, self.k, self.v))
        attended = functional.scaled_dot_product_attention(query, key, value, mask)
        states = self.aln(states + self.ao(attended.transpose(1, 2).flatten(2)))
        normed: Tensor = self.oln(states + self.fo(functional.gelu(self.fi(states))))
        return normed

    def _split_heads(self, states: Tensor) -> Tensor:
        batch, tokens, hidden = states.shape
        return states.view(batch, tokens, self.heads, hidden // self.heads).transpose(1, 2)


class E5Encoder(nn.Module):
    """Token ids → states of the tokens, (batch, tokens, hidden) float32."""

    def __init__(self, file: E5File) -> None:
        """Load the weights; linear layers become float32, words stay in the file.

        Raises:
            ModelError: a tensor is missing or has another size.
        """
        super().__init__()
        shape = file.shape
        self.words = WordEmbeddings(file.rows("emb.word", shape.vocabulary, shape.hidden))
        places = file.tensor("emb.pos", shape.positions, shape.hidden)
        types = file.tensor("emb.type", shape.types, shape.hidden)
        self.places = nn.Parameter(torch.from_numpy(places + types[0]))
        self.norm = nn.LayerNorm(shape.hidden, shape.epsilon)
        self.layers = nn.ModuleList(
            EncoderLayer(shape.hidden, shape.heads, shape.feed_forward, shape.epsilon) for _ in range(shape.layers)
        )
        _fill(self.norm, file, "emb.ln")
        for number, layer in enumerate(self.layers):
            for name, module in layer.named_children():
                _fill(module, file, f"l{number}.{name}")

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Encode sentences; ``ids`` (batch, tokens) int64, ``mask`` as in ``EncoderLayer.forward``."""
        states: Tensor = self.norm(self.words(ids) + self.places[: ids.shape[1]])
        for layer in self.layers:
            states = layer(states, mask)
        return states


class E5SentimentNet(PooledNet):
    """Pools as multilingual-e5 was trained: the mean over all tokens but padding."""

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode, (batch, tokens, 384)."""
        tokens = mask.bool()
        states: Tensor = self.encoder(ids, None if bool(tokens.all()) else tokens[:, None, None, :])
        return states


@torch.no_grad()
def _fill(module: nn.Module, file: E5File, name: str) -> None:
    for suffix, tensor in (("w", module.get_parameter("weight")), ("b", module.get_parameter("bias"))):
        tensor.copy_(torch.from_numpy(file.tensor(f"{name}.{suffix}", *tensor.shape)))
