"""Attention to the audio: the encoder's, and the decoder's. Each has a second form for bfloat16 on a CPU; which of them
is used is chosen where the encoder and the decoder are put together."""

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


def heads(x: Tensor, n_head: int) -> Tensor:
    """(batch, time, state) → (batch, heads, time, state per head)."""
    batch, time, state = x.shape
    return x.view(batch, time, n_head, state // n_head).transpose(1, 2)


class SelfAttention:
    """Of all positions of the audio to all of them, as torch does it in the type of its arguments."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, heads, positions, state per head) of all → the same; ``mask`` is True where there is audio."""
        return scaled_dot_product_attention(query, key, value, mask)


class Bfloat16SelfAttention(SelfAttention):
    """The same in bfloat16 on a CPU; used by one thread at a time.

    Three steps, whose products run at the processor's full rate: torch's own function takes 1.7 times as long. Scores
    and weights take positions² × heads × 4 bytes, 23 MB for 17 s and 72 MB for 30 s with ``base``. Their room is kept,
    as large as it ever was: fresh memory of that size comes from the kernel page by page, which took 40 % of the
    attention's time.
    """

    def __init__(self) -> None:
        self._room = torch.empty(0, dtype=torch.bfloat16)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """As above, all in bfloat16."""
        shape = (*query.shape[:-1], key.shape[-2])
        size = 2 * math.prod(shape)
        if self._room.numel() < size:
            self._room = torch.empty(size, dtype=torch.bfloat16)
        scores, weights = (half.view(shape) for half in self._room[:size].chunk(2))
        torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2), out=scores)
        if mask is not None:
            scores.masked_fill_(~mask, -torch.inf)
        torch.softmax(scores, dim=-1, out=weights)
        return weights @ value


Floats = NDArray[np.float32]
Bits = NDArray[np.uint16]


@dataclass(frozen=True)
class Sound:
    """Keys and values of the audio for one layer of the decoder: (batch, heads, audio positions, state per head)."""

    key: Tensor
    value: Tensor

    def rows(self, index: Tensor) -> Self:
        """Of some utterances of the batch."""
        return type(self)(self.key[index], self.value[index])

    def attend(self, query: Tensor, silent: Tensor | None) -> tuple[Tensor, Tensor]:
        """
        Args:
            query: scaled, (batch, tokens, state).
            silent: (batch, 1, 1, audio positions), True where an utterance has no audio; None: nowhere.

        Returns:
            The scores before softmax (batch, heads, tokens, audio positions), and what was seen (batch, tokens, state).
        """
        scores = heads(query, self.key.shape[1]) @ self.key.to(query.dtype).transpose(-1, -2)
        if silent is not None:
            scores = scores.masked_fill(silent, -torch.inf)
        return scores, (scores.softmax(dim=-1) @ self.value.to(query.dtype)).transpose(1, 2).flatten(2)


class Bfloat16Sound(Sound):
    """Keys and values in bfloat16 on a CPU, for a query in float32.

    A step of the decoder waits until it has read them all. In bfloat16 they are half as large, but one row times such a
    matrix takes torch longer than times a float32 one; so numba compiles that here, which openai-whisper uses for its
    word times. Several rows (a prompt, a batch) go through torch.
    """

    @cached_property
    def _bits(self) -> tuple[Bits, Bits]:
        key, value = (half[0].view(torch.uint16).numpy() for half in (self.key, self.value))
        return key, value

    def attend(self, query: Tensor, silent: Tensor | None) -> tuple[Tensor, Tensor]:
        """See ``Sound``."""
        if query.shape[:2] != (1, 1) or silent is not None:
            return super().attend(query, silent)
        _, n_head, positions, state = self.key.shape
        looked, seen = np.empty((n_head, positions), np.float32), np.empty((n_head, state), np.float32)
        _look(query.view(n_head, state).numpy(), *self._bits, looked, seen)
        return torch.from_numpy(looked)[None, :, None], torch.from_numpy(seen).view(query.shape)


compiled = numba.njit(fastmath=True, nogil=True)
"""Sums in any order, which is what lets them be vectorised; so no number in here may be infinite."""


@compiled
def _widened(bits: np.uint16) -> np.float32:
    """bfloat16 is the upper half of a float32."""
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@compiled
def _look(query: Floats, key: Bits, value: Bits, scores: Floats, seen: Floats) -> None:
    n_head, positions, state = key.shape
    weights = np.empty(positions, np.float32)
    for head in range(n_head):
        highest = np.float32(-1e38)
        for position in range(positions):
            score = np.float32(0)
            for number in range(state):
                score += query[head, number] * _widened(key[head, position, number])
            scores[head, position] = score
            highest = max(highest, score)
        total = np.float32(0)
        for position in range(positions):
            weights[position] = np.exp(scores[head, position] - highest)
            total += weights[position]
        seen[head] = 0
        for position in range(positions):
            weight = weights[position] / total
            for number in range(state):
                seen[head, number] += weight * _widened(value[head, position, number])
