"""Whisper's text decoder, one step at a time, with everything that does not change between steps laid out before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import whisper.model
from torch import Tensor
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from stt_worker.engines.fitted_whisper.encoder import Norm, Pack, fuse_qkv, heads
from stt_worker.engines.fitted_whisper.linear import plain


@dataclass
class Memory:
    """What one batch of utterances is decoded from, and what was decoded so far."""

    cross: list[tuple[Tensor, Tensor]]
    """Per layer, keys and values of the audio: (batch, heads, audio positions, state per head)."""
    mask: Tensor | None
    """(batch, 1, 1, audio positions), True where an utterance has audio; None where all are equally long."""
    keys: list[Tensor] = field(default_factory=list)
    """Per layer, of the tokens so far: (batch, heads, text positions, state per head), filled up to ``length``. None
    before the first, so that a memory whose parts are decoded takes no room for it."""
    values: list[Tensor] = field(default_factory=list)
    length: int = 0

    def make_room(self, tokens: int) -> None:
        """For so many of them, where there is none yet."""
        if not self.keys:
            rooms = [(*key.shape[:2], tokens, key.shape[3]) for key, _ in self.cross]
            self.keys = [key.new_empty(room) for (key, _), room in zip(self.cross, rooms, strict=True)]
            self.values = [torch.empty_like(key) for key in self.keys]

    def part(self, rows: Sequence[int]) -> "Memory":
        """Some utterances of the batch, as if nothing had been decoded yet."""
        if len(rows) == len(self.cross[0][0]):
            return Memory(self.cross, self.mask)
        index = torch.tensor(rows, device=self.cross[0][0].device)
        cross = [(key[index], value[index]) for key, value in self.cross]
        return Memory(cross, self.mask if self.mask is None else self.mask[index])

    def keep(self, rows: Tensor) -> None:
        """Go on with some utterances of the batch, by their indices."""
        self.cross = [(key[rows], value[rows]) for key, value in self.cross]
        self.keys = [key[rows] for key in self.keys]
        self.values = [value[rows] for value in self.values]
        if self.mask is not None:
            self.mask = self.mask[rows]


class _Layer:
    def __init__(self, source: whisper.model.ResidualAttentionBlock, pack: Pack, pack_cross: Pack) -> None:
        self._n_head = source.attn.n_head
        self._attention_norm, self._cross_norm = Norm(source.attn_ln), Norm(source.cross_attn_ln)
        self._mlp_norm = Norm(source.mlp_ln)
        self._qkv = pack(*fuse_qkv(source.attn))
        self._out = pack(source.attn.out.weight, source.attn.out.bias)
        cross = source.cross_attn
        self._cross_query = pack(cross.query.weight, cross.query.bias)
        self._cross_out = pack(cross.out.weight, cross.out.bias)
        self._cross_key_value = pack_cross(
            torch.cat([cross.key.weight, cross.value.weight]),
            torch.cat([torch.zeros_like(cross.value.bias), cross.value.bias]),
        )
        self._up = pack(source.mlp[0].weight, source.mlp[0].bias)
        self._down = pack(source.mlp[2].weight, source.mlp[2].bias)

    def listen(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        key, value = self._cross_key_value(audio).chunk(2, dim=-1)
        return heads(key, self._n_head).contiguous(), heads(value, self._n_head).contiguous()

    def __call__(
        self, x: Tensor, memory: Memory, layer: int, causal: Tensor | None, look: list[Tensor] | None
    ) -> Tensor:
        start, end = memory.length, memory.length + x.shape[1]
        query, key, value = (heads(part, self._n_head) for part in self._qkv(self._attention_norm(x)).chunk(3, dim=-1))
        memory.keys[layer][:, :, start:end] = key
        memory.values[layer][:, :, start:end] = value
        attention = scaled_dot_product_attention(
            query, memory.keys[layer][:, :, :end], memory.values[layer][:, :, :end], causal
        )
        x = x + self._out(attention.transpose(1, 2).flatten(2))

        query = heads(self._cross_query(self._cross_norm(x)), self._n_head)
        cross_key, cross_value = memory.cross[layer]
        if look is not None:
            # Scaled before the product, which fp16 may not hold otherwise.
            look.append(query * query.shape[-1] ** -0.5 @ cross_key.transpose(-1, -2))
        attention = scaled_dot_product_attention(query, cross_key, cross_value, memory.mask)
        x = x + self._cross_out(attention.transpose(1, 2).flatten(2))
        return x + self._down(gelu(self._up(self._mlp_norm(x))))


class Decoder:
    """Same numbers as ``whisper.model.TextDecoder``, without its projection onto the vocabulary."""

    def __init__(self, source: whisper.model.TextDecoder, pack: Pack = plain, pack_cross: Pack = plain) -> None:
        """``pack`` is for products of one row per step; ``pack_cross`` for that with the whole audio, once."""
        self.n_ctx: int = source.positional_embedding.shape[0]
        self._embedding = source.token_embedding.weight
        self._positions = source.positional_embedding
        self._layers = [_Layer(block, pack, pack_cross) for block in source.blocks]
        self._norm = Norm(source.ln)

    def listen(self, audio: Tensor, positions: Sequence[int] | None = None) -> Memory:
        """Prepare for decoding.

        Args:
            audio: what the encoder made, (batch, audio positions, state).
            positions: how many of them hold audio, per utterance; None: all.
        """
        mask = None
        if positions is not None and min(positions) < audio.shape[1]:
            count = torch.tensor(positions, device=audio.device)
            mask = (torch.arange(audio.shape[1], device=audio.device) < count[:, None])[:, None, None]
        return Memory([layer.listen(audio) for layer in self._layers], mask)

    def __call__(self, tokens: Tensor, memory: Memory, look: list[Tensor] | None = None) -> Tensor:
        """Take in the next tokens (batch, count); returns the state after each (batch, count, state).

        ``look``, where given, receives per layer how much each token attends to each audio position, before softmax:
        (batch, heads, count, audio positions).
        """
        count = tokens.shape[1]
        memory.make_room(self.n_ctx)
        x = self._embedding[tokens] + self._positions[memory.length : memory.length + count]
        causal = None
        if count > 1:
            rows = torch.arange(count, device=x.device)[:, None] + memory.length
            causal = torch.arange(memory.length + count, device=x.device) <= rows
        for number, layer in enumerate(self._layers):
            x = layer(x, memory, number, causal, look)
        memory.length += count
        return self._norm(x)


class Vocabulary:
    """Scores of the next token from the decoder's state."""

    def __init__(self, embedding: Tensor) -> None:
        self._embedding = embedding

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        """(batch, state) → logits (batch, tokens), float32; −∞ for tokens whose indices are ``suppressed``."""
        logits = linear(states, self._embedding).float()
        return logits if suppressed is None else logits.index_fill_(1, suppressed, -torch.inf)


SHORTLIST = 16
"""Best tokens by the int8 scores that are scored anew; in 560 real states the best by float32 was among the best 2."""


class ShortlistVocabulary(Vocabulary):
    """All scores in int8, the best again in float32: the same best token for a quarter of the memory traffic."""

    def __init__(self, embedding: Tensor, pack: Pack) -> None:
        super().__init__(embedding)
        self._rough = pack(embedding, None)

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        logits = torch.cat([self._rough(states[row : row + 1]) for row in range(len(states))])
        if suppressed is not None:
            logits.index_fill_(1, suppressed, -torch.inf)
        best = logits.topk(SHORTLIST, dim=-1).indices
        exact = (self._embedding[best] @ states.unsqueeze(-1)).squeeze(-1)
        return logits.scatter_(1, best, exact)
