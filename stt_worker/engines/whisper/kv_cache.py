"""Keys and values of a batch: those of the audio, computed once, and those of the text so far."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stt_worker.engines.whisper.attention import CrossKV


@dataclass
class KVCache:
    """Keys and values of one batch of utterances; read and extended by ``Decoder``."""

    cross: list[CrossKV]
    """The audio, per layer."""
    bias: Tensor | None
    """Added to the scores of attention to the audio, (batch, audio positions); None: nothing."""
    text: Tensor | None = None
    """Keys, then values, of the text: (layers, batch, 2 × heads, text positions, state per head), filled up to
    ``length``. None until the first token, so that a cache from which only parts are decoded allocates nothing."""
    length: int = 0
    """Text positions in use."""

    @property
    def batch_size(self) -> int:
        """Number of utterances."""
        return len(self.cross[0].key)

    def select(self, rows: Sequence[int]) -> "KVCache":
        """Return a cache without text for some utterances of the batch, by their indices."""
        part = KVCache(self.cross, self.bias)
        if len(rows) < self.batch_size:
            part.keep(torch.tensor(rows, device=self.cross[0].key.device))
        return part

    def keep(self, rows: Tensor) -> None:
        """Drop all utterances but some, given by their indices."""
        self.cross = [layer.select(rows) for layer in self.cross]
        if self.text is not None:
            self.text = self.text[:, rows]
        if self.bias is not None:
            self.bias = self.bias[rows]
