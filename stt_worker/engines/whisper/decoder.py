"""Whisper's text decoder, one step at a time, with everything that does not change between steps laid out before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import whisper.model
from torch import Tensor
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from stt_worker.engines.whisper.attention import Bfloat16Sound, Sound, heads
from stt_worker.engines.whisper.encoder import Norm, fuse
from stt_worker.engines.whisper.linear import PACKS, Pack
from stt_worker.engines.whisper.numerics import INT8, Format, Numerics


@dataclass
class Memory:
    """What one batch of utterances is decoded from, and what was decoded so far."""

    sound: list[Sound]
    """The audio, per layer."""
    silent: Tensor | None
    """(batch, 1, 1, audio positions), True where an utterance has no audio; None where all are equally long."""
    text: Tensor | None = None
    """Keys, then values, of the tokens so far: (layers, batch, 2 × heads, text positions, state per head), filled up to
    ``length``. None before the first, so that a memory whose parts are decoded takes no room for it."""
    length: int = 0

    @property
    def batch(self) -> int:
        """How many utterances."""
        return len(self.sound[0].key)

    def part(self, rows: Sequence[int]) -> "Memory":
        """Some utterances of the batch, as if nothing had been decoded yet."""
        part = Memory(self.sound, self.silent)
        if len(rows) < self.batch:
            part.keep(torch.tensor(rows, device=self.sound[0].key.device))
        return part

    def keep(self, rows: Tensor) -> None:
        """Go on with some utterances of the batch, by their indices."""
        self.sound = [layer.rows(rows) for layer in self.sound]
        if self.text is not None:
            self.text = self.text[:, rows]
        if self.silent is not None:
            self.silent = self.silent[rows]


class _Layer:
    def __init__(self, source: whisper.model.ResidualAttentionBlock, following: Sequence[int], pack: Pack) -> None:
        self._following = torch.tensor(following, device=source.attn.out.weight.device) if following else None
        self._n_head = source.attn.n_head
        self._attention_norm, self._cross_norm = Norm(source.attn_ln), Norm(source.cross_attn_ln)
        self._mlp_norm = Norm(source.mlp_ln)
        self._qkv = pack(*fuse(source.attn.query, source.attn.key, source.attn.value))
        self._out = pack(source.attn.out.weight, source.attn.out.bias)
        cross = source.cross_attn
        # Scaled here, and so before the product with the keys, which fp16 may not hold otherwise.
        scale = (cross.query.weight.shape[0] // cross.n_head) ** -0.5
        self._cross_query = pack(cross.query.weight * scale, cross.query.bias * scale)
        self._cross_out = pack(cross.out.weight, cross.out.bias)
        self._up = pack(source.mlp[0].weight, source.mlp[0].bias)
        self._down = pack(source.mlp[2].weight, source.mlp[2].bias)

    def attend_to_text(self, x: Tensor, new: Tensor, keys: Tensor, values: Tensor, causal: Tensor | None) -> Tensor:
        """Attend to the text: ``keys`` and ``values`` of all tokens so far; ``new`` is the part for those here."""
        projected = heads(self._qkv(self._attention_norm(x)), 3 * self._n_head)
        query, key_value = projected.tensor_split((self._n_head,), dim=1)
        new.copy_(key_value)
        attended = scaled_dot_product_attention(query, keys, values, causal)
        return x + self._out(attended.transpose(1, 2).flatten(2))

    def attend_to_audio(self, x: Tensor, sound: Sound, silent: Tensor | None, attention: list[Tensor] | None) -> Tensor:
        """Attend to the audio, and note in ``attention`` how the heads do it that follow it."""
        scores, seen = sound.attend(self._cross_query(self._cross_norm(x)), silent)
        if attention is not None and self._following is not None:
            attention.append(scores.index_select(1, self._following))
        return x + self._cross_out(seen)

    def feed_forward(self, x: Tensor) -> Tensor:
        """What follows from both."""
        return x + self._down(gelu(self._up(self._mlp_norm(x))))


class Decoder:
    """Same numbers as ``whisper.model.TextDecoder``, without its projection onto the vocabulary."""

    def __init__(
        self, source: whisper.model.TextDecoder, numerics: Numerics, following: Iterable[tuple[int, int]] = ()
    ) -> None:
        """
        Args:
            numerics: ``decoder`` for the products with one row per step, ``encoder`` for that with the whole audio.
            following: layer and head of each of the heads whose attention follows the audio.
        """
        pack, pack_cross = PACKS[numerics.decoder], PACKS[numerics.encoder]
        heads_of = defaultdict(list)
        for layer, head in following:
            heads_of[layer].append(head)
        self.n_ctx: int = source.positional_embedding.shape[0]
        self._embedding = source.token_embedding.weight
        self._positions = source.positional_embedding
        self._sound: type[Sound] = Bfloat16Sound if numerics.decoder in INT8 else Sound
        self._sound_type = torch.bfloat16 if numerics.decoder in INT8 else self._embedding.dtype
        self._layers = [_Layer(block, heads_of[number], pack) for number, block in enumerate(source.blocks)]
        self._norm = Norm(source.ln)
        cross = [block.cross_attn for block in source.blocks]
        self._n_head: int = cross[0].n_head
        self._cross_keys_values = [pack_cross(*fuse(each.key, each.value)) for each in cross]

    def listen(self, audio: Tensor, positions: Sequence[int] | None = None) -> Memory:
        """Prepare for decoding.

        Args:
            audio: what the encoder made, (batch, audio positions, state).
            positions: how many of them hold audio, per utterance; None: all.
        """
        silent = None
        if positions is not None and min(positions) < audio.shape[1]:
            count = torch.tensor(positions, device=audio.device)
            silent = (torch.arange(audio.shape[1], device=audio.device) >= count[:, None])[:, None, None]
        batch, time, state = audio.shape
        size = (len(self._cross_keys_values), 2, batch, self._n_head, time, state // self._n_head)
        sound = audio.new_empty(size, dtype=self._sound_type)
        for made, multiply in zip(sound, self._cross_keys_values, strict=True):
            made.copy_(multiply(audio).view(batch, time, 2, self._n_head, -1).permute(2, 0, 3, 1, 4))
        return Memory([self._sound(key, value) for key, value in sound], silent)

    def __call__(self, tokens: Tensor, memory: Memory, attention: list[Tensor] | None = None) -> Tensor:
        """Take in the next tokens (batch, count); returns the state after each (batch, count, state).

        ``attention``, where given, receives per layer how the heads that follow the audio look at it from each token:
        (batch, following heads, count, audio positions), before softmax.
        """
        batch, count = tokens.shape
        end = memory.length + count
        if memory.text is None:
            state = self._embedding.shape[1] // self._n_head
            room = (len(self._layers), batch, 2 * self._n_head, self.n_ctx, state)
            memory.text = self._embedding.new_empty(room)
        new = memory.text.narrow(3, memory.length, count).unbind()
        keys, values = (half.narrow(3, 0, end).unbind() for half in memory.text.chunk(2, dim=2))
        x = self._embedding[tokens] + self._positions[memory.length : end]
        causal = None
        if count > 1:
            rows = torch.arange(count, device=x.device)[:, None] + memory.length
            causal = torch.arange(end, device=x.device) <= rows
        for number, layer in enumerate(self._layers):
            x = layer.attend_to_text(x, new[number], keys[number], values[number], causal)
            x = layer.attend_to_audio(x, memory.sound[number], memory.silent, attention)
            x = layer.feed_forward(x)
        memory.length = end
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
    """All scores in int8, the best again in the type of the weights: the same best token for a quarter of the memory
    traffic."""

    def __init__(self, embedding: Tensor, numbers: Format) -> None:
        super().__init__(embedding)
        self._rough = PACKS[numbers](embedding, None)

    def __call__(self, states: Tensor, suppressed: Tensor | None = None) -> Tensor:
        rows = [self._rough(states[row : row + 1]) for row in range(len(states))]
        logits = rows[0] if len(rows) == 1 else torch.cat(rows)
        if suppressed is not None:
            logits.index_fill_(1, suppressed, -torch.inf)
        best = logits.topk(SHORTLIST, dim=-1, sorted=False).indices
        exact = (self._embedding[best] @ states.unsqueeze(-1)).squeeze(-1)
        return logits.scatter_(1, best, exact)


def make_vocabulary(embedding: Tensor, numbers: Format) -> Vocabulary:
    """The scores in a format: ``embedding`` has shape (tokens, state)."""
    return ShortlistVocabulary(embedding, numbers) if numbers in INT8 else Vocabulary(embedding)
