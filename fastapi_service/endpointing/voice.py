"""Pure: voice along one stream, frame by frame; the model that finds it is given."""

from typing import Protocol

import numpy as np

from wire.audio import Pcm, Samples, to_float

MODEL_FRAME, CONTEXT = 512, 64
"""Samples of one frame of the model, and samples before it that it also reads."""
STATE_SHAPE = (1, 1, 128)
"""Shape of its hidden and of its cell state."""
BEGINS, GOES_ON = 0.4, 0.25
"""Probabilities from which voice begins, and goes on. With 0.5 and 0.35, Silero's own defaults, a short word in
music was lost now and then; utterances ended as soon, and sooner in music that is less than 15 dB below the voice."""


class VoiceModel(Protocol):
    """Probabilities of voice. It keeps no state between calls, so that one serves all streams of a process."""

    def __call__(self, frame: Samples, hidden: Samples, cell: Samples, /) -> tuple[float, Samples, Samples]:
        """Return the probability of voice in a frame, 0–1, and the states for the next one.

        Args:
            frame: (``CONTEXT + MODEL_FRAME``,).
            hidden: ``STATE_SHAPE``.
            cell: ``STATE_SHAPE``.
        """
        ...


class VoiceStream:
    """Voice along one stream. An answer is for the newest whole frame of the model, which ended up to 32 ms ago."""

    def __init__(self, model: VoiceModel) -> None:
        """Begin without voice."""
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Begin again, behind audio that was not given."""
        self._hidden = self._cell = np.zeros(STATE_SHAPE, dtype=np.float32)
        self._recent: Samples = np.zeros(CONTEXT, dtype=np.float32)
        """Context of the next frame of the model, and what there is of it."""
        self._is_voice = False

    def update(self, pcm: Pcm) -> bool:
        """Take in samples, and return True if there is voice."""
        self._recent = np.concatenate([self._recent, to_float(pcm)])
        while len(self._recent) >= CONTEXT + MODEL_FRAME:
            frame, self._recent = self._recent[: CONTEXT + MODEL_FRAME], self._recent[MODEL_FRAME:]
            probability, self._hidden, self._cell = self._model(frame, self._hidden, self._cell)
            self._is_voice = probability >= (GOES_ON if self._is_voice else BEGINS)
        return self._is_voice
