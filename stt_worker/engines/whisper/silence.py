"""The silence of Whisper's full window, as a few keys and values for attention.

Whisper was trained on windows of 30 s. Its encoder attends to the silence behind the speech: in the last layers up to
half of a head's weight lies there, and most of that on a few positions, the same in every utterance ("attention
sinks", https://arxiv.org/abs/2309.17453). A window that ends soon after the speech lacks them, so its states differ,
and its text has more errors. The silence itself hardly depends on the speech before it. So its keys and values are
computed once, from one recording, and every shorter window attends to them: to the positions with the most weight, and
to the mean of the others, which counts as often as there are others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stt_worker.engines.whisper.attention import MASKED

SINKS = 100
"""Positions that are used one by one. Of the distance between the states of a short window and of the full one, 32
leave 46 %, 64 leave 37 % and all 1,500 leave 31 % (12 clips in English and Korean)."""


@dataclass(frozen=True)
class Projections:
    """Query, key and value of one layer, (batch, heads, positions, state per head) each."""

    query: Tensor
    key: Tensor
    value: Tensor


class Silence:
    """States, keys and values of the silence: of each sink, then their mean over all other positions."""

    def __init__(self, layers: Sequence[Projections], states: Tensor, begin: int) -> None:
        """Choose the sinks.

        Args:
            layers: of the encoder, for the full window of the reference, a batch of one.
            states: its output, (1, positions, state).
            begin: position of the reference from which on it is silent.
        """
        self._positions = states.shape[1]
        weights = torch.stack([_weights(layer, begin) for layer in layers]).sum(dim=0)
        self._sinks = begin + weights[begin:].topk(min(SINKS, self._positions - begin)).indices.sort().values
        self._others = torch.ones(self._positions, dtype=torch.bool, device=weights.device)
        self._others[:begin] = self._others[self._sinks] = False
        self._layers = [(self._gather(layer.key), self._gather(layer.value)) for layer in layers]
        self._states = self._gather(states)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and values of a batch, followed by those of the silence."""
        keys, values = (each.expand(len(key), -1, -1, -1) for each in self._layers[layer])
        return torch.cat([key, keys], dim=2), torch.cat([value, values], dim=2)

    def append_states(self, states: Tensor) -> Tensor:
        """Return the encoder's output for a batch, followed by that of the silence."""
        return torch.cat([states, self._states.expand(len(states), -1, -1)], dim=1)

    def bias(self, lengths: Sequence[int]) -> Tensor:
        """Return what is added to the scores of the silence in windows of some lengths, (batch, sinks + 1).

        A sink inside of a window counts nothing, since the window has a state of its own there.
        """
        length = torch.tensor(lengths, device=self._sinks.device)[:, None]
        behind = self._sinks >= length
        others = self._positions - length - behind.sum(dim=1, keepdim=True)
        sinks = torch.zeros(behind.shape, device=length.device).masked_fill(~behind, MASKED)
        return torch.cat([sinks, others.log().clamp(min=MASKED)], dim=1)

    def _gather(self, states: Tensor) -> Tensor:
        """(…, positions, numbers) → (…, sinks + 1, numbers)."""
        mean = states[..., self._others, :].mean(dim=-2, keepdim=True)
        return torch.cat([states[..., self._sinks, :], mean], dim=-2)


def _weights(layer: Projections, begin: int) -> Tensor:
    """Return how much the speech attends to each position, mean over heads and queries, (positions,)."""
    query = layer.query[:, :, :begin].float() * layer.query.shape[-1] ** -0.5
    weights: Tensor = (query @ layer.key.float().transpose(-1, -2)).softmax(dim=-1).mean(dim=(0, 1, 2))
    return weights
