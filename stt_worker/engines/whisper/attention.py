"""Attention to the audio, of the encoder and of the decoder.

Each has a variant for bfloat16 on a CPU, chosen by the constructors of encoder and decoder.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

MASKED = -1e4
"""Added to a score, it leaves no weight in any number format; finite, as ``compiled`` requires."""


def heads(x: Tensor, n_head: int) -> Tensor:
    """(batch, time, state) → (batch, heads, time, state per head)."""
    batch, time, state = x.shape
    return x.view(batch, time, n_head, state // n_head).transpose(1, 2)


class SelfAttention:
    """The encoder's attention, computed by torch in the type of the arguments."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """Attend to the audio and to the silence behind it.

        Args:
            query: (batch, heads, positions, state per head).
            key: (batch, heads, keys, state per head).
            value: likewise.
            bias: added to the scores, (batch, 1, 1, keys); None: nothing.

        Returns:
            The context, (batch, heads, positions, state per head).
        """
        return scaled_dot_product_attention(query, key, value, bias)


class Bfloat16SelfAttention(SelfAttention):
    """The encoder's attention in bfloat16 on a CPU. Not thread-safe.

    Three steps, whose products run at the processor's full rate: torch's own function takes 1.7 times as long. Scores
    and weights take positions × keys × heads × 4 bytes, with 101 keys more than positions: 26 MB for a window of 17 s
    and 77 MB for 30 s with ``base``. Their buffer is kept at its largest size: fresh memory of that size comes from the
    kernel page by page, which took 40 % of the time.
    """

    def __init__(self) -> None:
        self._buffer = torch.empty(0, dtype=torch.bfloat16)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """See ``SelfAttention``; all in bfloat16."""
        shape = (*query.shape[:-1], key.shape[-2])
        size = 2 * math.prod(shape)
        if self._buffer.numel() < size:
            self._buffer = torch.empty(size, dtype=torch.bfloat16)
        scores, weights = (half.view(shape) for half in self._buffer[:size].chunk(2))
        torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2), out=scores)
        if bias is not None:
            scores += bias
        torch.softmax(scores, dim=-1, out=weights)
        return weights @ value


Floats = NDArray[np.float32]
Bits = NDArray[np.uint16]


@dataclass(frozen=True)
class CrossKV:
    """Keys and values of the audio for one layer of the decoder: (batch, heads, audio positions, state per head)."""

    key: Tensor
    value: Tensor

    def select(self, rows: Tensor) -> Self:
        """Return those of some utterances of the batch, by their indices."""
        return type(self)(self.key[rows], self.value[rows])

    def attend(self, query: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend to the audio.

        Args:
            query: scaled, (batch, tokens, state).
            bias: added to the scores, (batch, audio positions); None: nothing.

        Returns:
            Scores before softmax, (batch, heads, tokens, audio positions), and context, (batch, tokens, state).
        """
        scores = heads(query, self.key.shape[1]) @ self.key.to(query.dtype).transpose(-1, -2)
        if bias is not None:
            scores = scores + bias[:, None, None].to(scores.dtype)
        return scores, (scores.softmax(dim=-1) @ self.value.to(query.dtype)).transpose(1, 2).flatten(2)


class Bfloat16CrossKV(CrossKV):
    """Keys and values in bfloat16 on a CPU, for a query in float32.

    Reading them bounds the speed of a decoder step, and bfloat16 halves their size. torch multiplies a single row with
    a bfloat16 matrix more slowly than with a float32 one, so numba compiles that product (openai-whisper depends on
    numba already). Several rows (a prompt, a batch) are torch's.
    """

    @cached_property
    def _bits(self) -> tuple[Bits, Bits]:
        key, value = (half[0].view(torch.uint16).numpy() for half in (self.key, self.value))
        return key, value

    def attend(self, query: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """See ``CrossKV``."""
        if query.shape[:2] != (1, 1):
            return super().attend(query, bias)
        _, n_head, positions, state = self.key.shape
        scores, context = np.empty((n_head, positions), np.float32), np.empty((n_head, state), np.float32)
        added = np.zeros(positions, np.float32) if bias is None else bias[0].numpy()
        _attend(query.view(n_head, state).numpy(), *self._bits, added, scores, context)
        return torch.from_numpy(scores)[None, :, None], torch.from_numpy(context).view(query.shape)


compiled = numba.njit(fastmath=True, nogil=True)
"""fastmath allows sums in any order, so that they are vectorised, and excludes infinite numbers."""


@compiled
def _widened(bits: np.uint16) -> np.float32:
    """Convert bfloat16, the upper half of a float32."""
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@compiled
def _attend(query: Floats, key: Bits, value: Bits, bias: Floats, scores: Floats, context: Floats) -> None:
    """Fill ``scores``, (heads, positions), and ``context``, (heads, state per head), for one query.

    ``bias``, (positions,), is added to the scores.
    """
    n_head, positions, state = key.shape
    weights = np.empty(positions, np.float32)
    for head in range(n_head):
        highest = np.float32(-1e38)
        for position in range(positions):
            score = bias[position]
            for number in range(state):
                score += query[head, number] * _widened(key[head, position, number])
            scores[head, position] = score
            highest = max(highest, score)
        total = np.float32(0)
        for position in range(positions):
            weights[position] = np.exp(scores[head, position] - highest)
            total += weights[position]
        context[head] = 0
        for position in range(positions):
            weight = weights[position] / total
            for number in range(state):
                context[head, number] += weight * _widened(value[head, position, number])
