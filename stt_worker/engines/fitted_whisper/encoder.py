"""Whisper's audio encoder over as much audio as there is, instead of always 30 s."""

from collections.abc import Callable, Sequence

import torch
import whisper.model
from torch import Tensor
from torch.nn.functional import conv1d, gelu, layer_norm, pad, scaled_dot_product_attention

from stt_worker.engines.fitted_whisper.linear import Linear, plain

Pack = Callable[[Tensor, Tensor | None], Linear]


class Norm:
    """Layer normalisation, computed in float32 as Whisper does."""

    def __init__(self, source: torch.nn.LayerNorm) -> None:
        self._weight, self._bias, self._eps = source.weight.float(), source.bias.float(), source.eps

    def __call__(self, x: Tensor) -> Tensor:
        return layer_norm(x.float(), self._weight.shape, self._weight, self._bias, self._eps).to(x.dtype)


def fuse_qkv(source: whisper.model.MultiHeadAttention) -> tuple[Tensor, Tensor]:
    """Query, key and value projections as one matrix; Whisper's keys have no bias."""
    weight = torch.cat([source.query.weight, source.key.weight, source.value.weight])
    bias = torch.cat([source.query.bias, torch.zeros_like(source.query.bias), source.value.bias])
    return weight, bias


def heads(x: Tensor, n_head: int) -> Tensor:
    """(batch, time, state) → (batch, heads, time, state per head)."""
    batch, time, state = x.shape
    return x.view(batch, time, n_head, state // n_head).transpose(1, 2)


class _Layer:
    def __init__(self, source: whisper.model.ResidualAttentionBlock, pack: Pack) -> None:
        self._n_head = source.attn.n_head
        self._attention_norm, self._mlp_norm = Norm(source.attn_ln), Norm(source.mlp_ln)
        self._qkv = pack(*fuse_qkv(source.attn))
        self._out = pack(source.attn.out.weight, source.attn.out.bias)
        self._up = pack(source.mlp[0].weight, source.mlp[0].bias)
        self._down = pack(source.mlp[2].weight, source.mlp[2].bias)

    def __call__(self, x: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (heads(part, self._n_head) for part in self._qkv(self._attention_norm(x)).chunk(3, dim=-1))
        attention = scaled_dot_product_attention(query, key, value, mask)
        x = x + self._out(attention.transpose(1, 2).flatten(2))
        return x + self._down(gelu(self._up(self._mlp_norm(x))))


class Encoder:
    """Same numbers as ``whisper.model.AudioEncoder``, whose forward pass refuses anything but 30 s.

    Positions are sinusoids that count from the beginning, so the first ones serve a shorter window.
    """

    def __init__(self, source: whisper.model.AudioEncoder, pack: Pack = plain) -> None:
        """``pack`` turns a weight and a bias into a matrix product (see ``linear``)."""
        self._conv1, self._conv2 = source.conv1, source.conv2
        self._positions = source.positional_embedding
        self._layers = [_Layer(block, pack) for block in source.blocks]
        self._norm = Norm(source.ln_post)

    def __call__(self, mels: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Encode a batch; each comes out as it would alone.

        Args:
            mels: log-mel frames (mels, frames) of each utterance, an even count of at most 3,000.

        Returns:
            (batch, positions of the longest, state), and how many positions each utterance has: half its frames.
        """
        frames = [mel.shape[-1] for mel in mels]
        x = torch.stack([pad(mel, (0, max(frames) - mel.shape[-1])) for mel in mels])
        x = gelu(conv1d(x, self._conv1.weight, self._conv1.bias, padding=1))
        mask = None
        if min(frames) < max(frames):
            count = torch.tensor(frames, device=x.device)[:, None, None]
            # What lies behind an utterance is zero to the convolutions, as their padding would be.
            x = x.masked_fill(torch.arange(max(frames), device=x.device) >= count, 0.0)
            mask = (torch.arange(max(frames) // 2, device=x.device) < count // 2)[:, None]
        x = gelu(conv1d(x, self._conv2.weight, self._conv2.bias, stride=2, padding=1)).transpose(1, 2)
        x = x + self._positions[: x.shape[1]]
        for layer in self._layers:
            x = layer(x, mask)
        return self._norm(x), [each // 2 for each in frames]
