"""Whisper's text decoder, step by step; everything constant between steps is prepared once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
import whisper.model
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention

from stt_worker.engines.whisper.attention import Bfloat16CrossKV, CrossKV, heads
from stt_worker.engines.whisper.encoder import Norm, fuse
from stt_worker.engines.whisper.kv_cache import KVCache
from stt_worker.engines.whisper.linear import PACKS, Pack
from stt_worker.numerics import INT8, Numerics


class _Layer:
    """One block: attention to the text, attention to the audio, and the layers after both."""

    def __init__(self, source: whisper.model.ResidualAttentionBlock, alignment: Sequence[int], pack: Pack) -> None:
        """Prepare a block; ``alignment`` are the indices of its alignment heads."""
        self._alignment = torch.tensor(alignment, device=source.attn.out.weight.device) if alignment else None
        self._n_head = source.attn.n_head
        self._attention_norm, self._cross_norm = Norm(source.attn_ln), Norm(source.cross_attn_ln)
        self._mlp_norm = Norm(source.mlp_ln)
        self._qkv = pack(*fuse(source.attn.query, source.attn.key, source.attn.value))
        self._out = pack(source.attn.out.weight, source.attn.out.bias)
        cross = source.cross_attn
        # Scaled before the product with the keys, which may overflow fp16 otherwise.
        scale = (cross.query.weight.shape[0] // cross.n_head) ** -0.5
        self._cross_query = pack(cross.query.weight * scale, cross.query.bias * scale)
        self._cross_out = pack(cross.out.weight, cross.out.bias)
        self._up = pack(source.mlp[0].weight, source.mlp[0].bias)
        self._down = pack(source.mlp[2].weight, source.mlp[2].bias)

    def attend_to_text(self, x: Tensor, new: Tensor, keys: Tensor, values: Tensor, causal: Tensor | None) -> Tensor:
        """Add attention to the text.

        Args:
            x: (batch, tokens, state).
            new: the part of the cache for these tokens: (batch, 2 × heads, tokens, state per head); filled here.
            keys: of all tokens so far, these included: (batch, heads, text positions, state per head).
            values: likewise.
            causal: (tokens, text positions), True where a token may look; None for a single token.
        """
        projected = heads(self._qkv(self._attention_norm(x)), 3 * self._n_head)
        query, key_value = projected.tensor_split((self._n_head,), dim=1)
        new.copy_(key_value)
        attended = scaled_dot_product_attention(query, keys, values, causal)
        return x + self._out(attended.transpose(1, 2).flatten(2))

    def attend_to_audio(
        self, x: Tensor, cross: CrossKV, bias: Tensor | None, alignment_scores: list[Tensor] | None
    ) -> Tensor:
        """Add attention to the audio; append the scores of the alignment heads to ``alignment_scores``."""
        scores, context = cross.attend(self._cross_query(self._cross_norm(x)), bias)
        if alignment_scores is not None and self._alignment is not None:
            alignment_scores.append(scores.index_select(1, self._alignment))
        return x + self._cross_out(context)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Add the two layers after the attention."""
        return x + self._down(gelu(self._up(self._mlp_norm(x))))


class Decoder:
    """Same numbers as ``whisper.model.TextDecoder``, without its projection onto the vocabulary."""

    def __init__(
        self, source: whisper.model.TextDecoder, numerics: Numerics, alignment_heads: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Prepare the weights.

        Args:
            source: the model's decoder.
            numerics: ``decoder`` for products with one row per step, ``encoder`` for the one with the whole audio.
            alignment_heads: layer and head of those whose attention follows the audio.
        """
        pack, pack_cross = PACKS[numerics.decoder], PACKS[numerics.encoder]
        heads_of = defaultdict(list)
        for layer, head in alignment_heads:
            heads_of[layer].append(head)
        self.n_ctx: int = source.positional_embedding.shape[0]
        self._embedding = source.token_embedding.weight
        self._positions = source.positional_embedding
        self._cross_kv: type[CrossKV] = Bfloat16CrossKV if numerics.decoder in INT8 else CrossKV
        self._cross_dtype = torch.bfloat16 if numerics.decoder in INT8 else self._embedding.dtype
        self._layers = [_Layer(block, heads_of[number], pack) for number, block in enumerate(source.blocks)]
        self._norm = Norm(source.ln)
        cross = [block.cross_attn for block in source.blocks]
        self._n_head: int = cross[0].n_head
        self._cross_projections = [pack_cross(*fuse(each.key, each.value)) for each in cross]

    def precompute_cross_kv(self, audio: Tensor, bias: Tensor | None = None) -> KVCache:
        """Compute the keys and values of the audio.

        Args:
            audio: output of the encoder, (batch, audio positions, state).
            bias: likewise: added to the scores of attention to them, (batch, audio positions); None: nothing.

        Returns:
            A cache without text.
        """
        batch, time, state = audio.shape
        size = (len(self._cross_projections), 2, batch, self._n_head, time, state // self._n_head)
        keys_values = audio.new_empty(size, dtype=self._cross_dtype)
        for target, multiply in zip(keys_values, self._cross_projections, strict=True):
            target.copy_(multiply(audio).view(batch, time, 2, self._n_head, -1).permute(2, 0, 3, 1, 4))
        return KVCache([self._cross_kv(key, value) for key, value in keys_values], bias)

    def __call__(self, tokens: Tensor, cache: KVCache, alignment_scores: list[Tensor] | None = None) -> Tensor:
        """Read the next tokens.

        Args:
            tokens: (batch, count).
            cache: extended by these tokens.
            alignment_scores: receives, per layer with alignment heads, their scores before softmax: (batch, heads,
                count, audio positions).

        Returns:
            The state after each token, (batch, count, state).
        """
        batch, count = tokens.shape
        end = cache.length + count
        if cache.text is None:
            state = self._embedding.shape[1] // self._n_head
            size = (len(self._layers), batch, 2 * self._n_head, self.n_ctx, state)
            cache.text = self._embedding.new_empty(size)
        new = cache.text.narrow(3, cache.length, count).unbind()
        keys, values = (half.narrow(3, 0, end).unbind() for half in cache.text.chunk(2, dim=2))
        x = self._embedding[tokens] + self._positions[cache.length : end]
        causal = None
        if count > 1:
            rows = torch.arange(count, device=x.device)[:, None] + cache.length
            causal = torch.arange(end, device=x.device) <= rows
        for number, layer in enumerate(self._layers):
            x = layer.attend_to_text(x, new[number], keys[number], values[number], causal)
            x = layer.attend_to_audio(x, cache.cross[number], cache.bias, alignment_scores)
            x = layer.feed_forward(x)
        cache.length = end
        return self._norm(x)
