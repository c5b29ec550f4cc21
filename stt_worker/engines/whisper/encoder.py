"""Whisper's audio encoder, for windows shorter than 30 s."""

from collections.abc import Callable, Sequence

import torch
import whisper.model
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, pad

from stt_worker.engines.whisper.attention import MASKED, Bfloat16SelfAttention, SelfAttention, heads
from stt_worker.engines.whisper.linear import PACKS, Pack
from stt_worker.engines.whisper.silence import Projections, Silence
from stt_worker.numerics import BFLOAT16, Format


class Norm:
    """Layer normalisation, computed in float32 as in Whisper."""

    def __init__(self, source: torch.nn.LayerNorm) -> None:
        self._weight, self._bias, self._eps = source.weight.float(), source.bias.float(), source.eps
        self._shape = self._weight.shape

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise the last dimension; the result has the type of ``x``."""
        return layer_norm(x.float(), self._shape, self._weight, self._bias, self._eps).to(x.dtype)


def fuse(*projections: torch.nn.Linear) -> tuple[Tensor, Tensor]:
    """Join projections of the same input to one matrix and one bias, which is zero for Whisper's keys."""
    biases: list[Tensor] = [
        each.weight.new_zeros(len(each.weight)) if each.bias is None else each.bias for each in projections
    ]
    return torch.cat(tuple(each.weight for each in projections)), torch.cat(biases)


class _Convolution:
    """Convolution over time, three positions wide, as a matrix product with one row per place.

    A row is the input at three positions. The rows overlap, so with adjacent channels they are a view of the input.
    """

    def __init__(self, source: torch.nn.Conv1d, pack: Pack) -> None:
        self._stride: int = source.stride[0]
        self._multiply = pack(source.weight.transpose(1, 2).flatten(1), source.bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, time, channels) → (batch, time / stride, channels)."""
        x = pad(x, (0, 0, 1, 1))
        batch, time, channels = x.shape
        places = (time - 3) // self._stride + 1
        rows = x.as_strided((batch, places, 3 * channels), (x.stride(0), self._stride * channels, 1))
        return self._multiply(rows.contiguous())


class _Layer:
    """One block: attention, then two layers."""

    def __init__(self, source: whisper.model.ResidualAttentionBlock, pack: Pack, attend: SelfAttention) -> None:
        self._attend = attend
        self._n_head = source.attn.n_head
        self._attention_norm, self._mlp_norm = Norm(source.attn_ln), Norm(source.mlp_ln)
        self._qkv = pack(*fuse(source.attn.query, source.attn.key, source.attn.value))
        self._out = pack(source.attn.out.weight, source.attn.out.bias)
        self._up = pack(source.mlp[0].weight, source.mlp[0].bias)
        self._down = pack(source.mlp[2].weight, source.mlp[2].bias)

    def project(self, x: Tensor) -> Projections:
        """Return query, key and value of each position."""
        return Projections(*(heads(part, self._n_head) for part in self._qkv(self._attention_norm(x)).chunk(3, dim=-1)))

    def __call__(self, x: Tensor, own: Projections, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """(batch, positions, state) → the same.

        Args:
            x: input.
            own: its projections.
            key: of all positions that may be attended to.
            value: likewise.
            bias: see ``SelfAttention``.
        """
        attention = self._attend(own.query, key, value, bias)
        x = x + self._out(attention.transpose(1, 2).flatten(2)).to(x.dtype)
        return x + self._down(gelu(self._up(self._mlp_norm(x)))).to(x.dtype)


class Encoder:
    """Computes the numbers of ``whisper.model.AudioEncoder`` for windows of 30 s, and close ones for shorter windows.

    The positional embedding is sinusoids from the beginning on, so its first rows fit a shorter window.
    """

    def __init__(self, source: whisper.model.AudioEncoder, numbers: Format) -> None:
        """Prepare the weights in a number format."""
        pack = PACKS[numbers]
        self._conv1, self._conv2 = _Convolution(source.conv1, pack), _Convolution(source.conv2, pack)
        self._positions = source.positional_embedding
        attend = Bfloat16SelfAttention() if numbers in BFLOAT16 else SelfAttention()
        self._layers = [_Layer(block, pack, attend) for block in source.blocks]
        self._norm = Norm(source.ln_post)
        self._silence: Silence | None = None

    def learn_silence(self, mel: Tensor, begin: int) -> None:
        """Let shorter windows attend to the silence of a full one from now on.

        Args:
            mel: log-mel frames of some speech in the full window, (mels, 3,000).
            begin: position from which on it is silent.
        """
        x, projections = self._embed([mel], None), []
        for layer in self._layers:
            own = layer.project(x)
            projections.append(own)
            x = layer(x, own, own.key, own.value, None)
        self._silence = Silence(projections, self._norm(x), begin)

    def __call__(
        self, mels: Sequence[Tensor], check: Callable[[], None] = lambda: None
    ) -> tuple[Tensor, Tensor | None]:
        """Encode a batch; the result of each utterance does not depend on the others.

        Args:
            mels: log-mel frames of each utterance, (mels, frames), with an even number of at most 3,000 frames.
            check: called before each layer; what it raises ends the work.

        Returns:
            States to attend to, (batch, positions, state): those of the longest window, then of the silence behind it;
            and what is added to the scores of attention to them, (batch, positions): ``MASKED`` for those
            that an utterance has not; None for nothing.
        """
        frames = [mel.shape[-1] for mel in mels]
        bias = self._bias(frames)
        attention_bias = None if bias is None else bias[:, None, None]
        x = self._embed(mels, frames if min(frames) < max(frames) else None)
        silence = self._silence
        for number, layer in enumerate(self._layers):
            check()
            own = layer.project(x)
            key, value = own.key, own.value
            if silence is not None:
                key, value = silence.append(number, key, value)
            x = layer(x, own, key, value, attention_bias)
        states = self._norm(x)
        return (states if silence is None else silence.append_states(states)), bias

    def _embed(self, mels: Sequence[Tensor], frames: Sequence[int] | None) -> Tensor:
        """Return the input of the first layer; ``frames`` are the lengths of the utterances if these differ."""
        longest = max(mel.shape[-1] for mel in mels)
        x = torch.stack([pad(mel.T, (0, 0, 0, longest - mel.shape[-1])) for mel in mels])
        x = gelu(self._conv1(x))
        if frames is not None:  # frames behind an utterance are zero, like the padding of the convolutions
            x = x.masked_fill(_behind(frames, longest, x.device)[..., None], 0.0)
        embedded: Tensor = gelu(self._conv2(x)) + self._positions[: longest // 2]
        return embedded

    def _bias(self, frames: Sequence[int]) -> Tensor | None:
        """Return what is added to the scores, (batch, positions)."""
        if self._silence is None and min(frames) == max(frames):
            return None
        device, dtype = self._positions.device, self._positions.dtype
        lengths = [each // 2 for each in frames]
        behind = _behind(lengths, max(lengths), device)
        bias = torch.zeros(behind.shape, dtype=dtype, device=device).masked_fill(behind, MASKED)
        return bias if self._silence is None else torch.cat([bias, self._silence.bias(lengths).to(dtype)], dim=1)


def _behind(lengths: Sequence[int], longest: int, device: torch.device) -> Tensor:
    """Return True for places behind an utterance, (batch, longest)."""
    behind: Tensor = torch.arange(longest, device=device) >= torch.tensor(lengths, device=device)[:, None]
    return behind
