"""Pure: the utterance that is being spoken."""

from enum import Enum, auto
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from fastapi_service.endpointing.frames import FRAME
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE

CUT_SMOOTHING = 5
"""Frames over which the energy is averaged to find the place of a forced cut: between words rather than inside a closed
consonant."""


class State(Enum):
    """Phase of the speech in a stream.

    QUIET → STARTING with the first voiced frame → SPEAKING when enough frames were voiced ⇄ STOPPING while frames are
    unvoiced → QUIET when that lasts. A click goes from STARTING back to QUIET.
    """

    QUIET = auto()
    """No utterance."""
    STARTING = auto()
    """Too few voiced frames to be called speech; may be a click."""
    SPEAKING = auto()
    """Speech, and the newest frame is voiced."""
    STOPPING = auto()
    """Speech, then silence that is too short to end it."""


class ActiveUtterance:
    """Audio from the pre-roll to the newest whole frame, and what was measured in it."""

    def __init__(self, start: int, pcm: bytearray, *, lead: int, min_voiced: int) -> None:
        """Begin without measured frames.

        Args:
            start: position of the first sample, at 16 kHz.
            pcm: audio from there on.
            lead: samples before the first measured frame.
            min_voiced: samples of voiced frames that make it speech.
        """
        self.start = start
        self.pcm = pcm
        self.min_voiced = min_voiced
        self.state = State.STARTING
        self.voiced = 0
        """Samples of voiced frames."""
        self.silence = 0
        """Samples since the last voiced frame."""
        self.speech_end = 0.0
        """Arrival of the last voiced frame, on the caller's clock."""
        self.arrived = 0.0
        """Arrival of the newest frame."""
        self.is_unfinished = False
        """True in a pause before which the sentence is not over."""
        self._lead = lead
        self._energies: list[float] = []
        """One for each measured frame."""
        self._voicing: list[bool] = []
        """Parallel to ``_energies``."""

    def __len__(self) -> int:
        return len(self.pcm) // SAMPLE_BYTES

    @property
    def end(self) -> int:
        """Position after the newest sample."""
        return self.start + len(self)

    def add(self, frame: bytes, energy: float, arrived: float, *, voiced: bool) -> None:
        """Append a frame and update the state."""
        self.pcm += frame
        self._energies.append(energy)
        self._voicing.append(voiced)
        self.arrived = arrived
        if voiced:
            self.voiced += FRAME
            self.silence = 0
            self.is_unfinished = False
            self.speech_end = arrived
        else:
            self.silence += FRAME
        self._update_state()

    def arrival(self, position: int) -> float:
        """Return when the audio before a position had arrived, on the caller's clock, if it came in real time."""
        return self.arrived - (self.end - position) / SAMPLE_RATE

    def since(self, position: int) -> tuple[int, bytes]:
        """Return the audio from a position on, or from the start if that is later: where it begins, and its samples."""
        start = max(position, self.start)
        return start, bytes(self.pcm[(start - self.start) * SAMPLE_BYTES :])

    def cut(self, search: int) -> tuple[bytes, "ActiveUtterance"]:
        """Cut in the middle of the quietest of the last frames.

        Args:
            search: frames to choose from.

        Returns:
            the audio before the cut, and the rest. The rest is the end of a sentence, not a click: one voiced frame
            makes it speech.
        """
        index = quietest(np.array(self._energies), search)
        cut = self._lead + index * FRAME + FRAME // 2
        return bytes(self.pcm[: cut * SAMPLE_BYTES]), self._rest(cut, index + 1, min_voiced=FRAME)

    def pause_between(self, begin: int, end: int, least: int) -> tuple[int, int] | None:
        """Return the first sample of the longest pause that reaches into a stretch, and the one after its last.

        Args:
            begin: position of the stretch.
            end: the position after it.
            least: samples that a pause takes.

        Returns:
            None if there is no such pause.
        """
        first = self.start + self._lead
        found: list[tuple[int, int]] = []
        position = first
        for voiced, frames in groupby(self._voicing):
            length = FRAME * sum(1 for _ in frames)
            if not voiced and length >= least and position < end and position + length > begin:
                found.append((position, position + length))
            position += length
        return max(found, key=lambda pause: pause[1] - pause[0], default=None)

    def split(self, position: int, min_voiced: int) -> tuple[bytes, "ActiveUtterance"]:
        """Split between two measured frames.

        Args:
            position: where a frame begins.
            min_voiced: samples of voiced frames that make the rest speech.

        Returns:
            the audio before it, and the rest, which may be a click.
        """
        cut = position - self.start
        index = (cut - self._lead) // FRAME
        return bytes(self.pcm[: cut * SAMPLE_BYTES]), self._rest(cut, index, min_voiced=min_voiced)

    def _rest(self, cut: int, index: int, *, min_voiced: int) -> "ActiveUtterance":
        """Return what lies behind ``cut`` samples, with the measured frames from ``index`` on."""
        lead = self._lead + index * FRAME - cut
        rest = ActiveUtterance(self.start + cut, self.pcm[cut * SAMPLE_BYTES :], lead=lead, min_voiced=min_voiced)
        rest._energies, rest._voicing = self._energies[index:], self._voicing[index:]
        rest.voiced = FRAME * sum(rest._voicing)
        rest.silence, rest.is_unfinished = self.silence, self.is_unfinished
        rest.speech_end, rest.arrived = self.speech_end, self.arrived
        rest._update_state()
        return rest

    def _update_state(self) -> None:
        if self.voiced >= self.min_voiced:
            self.state = State.STOPPING if self.silence else State.SPEAKING


def quietest(energies: NDArray[np.float64], search: int) -> int:
    """Index of the frame with the lowest smoothed energy among the last ``search`` frames, without the very last."""
    smooth = np.convolve(energies, np.ones(CUT_SMOOTHING) / CUT_SMOOTHING, mode="same")
    begin = max(0, len(smooth) - search)
    return begin + int(np.argmin(smooth[begin : max(begin + 1, len(smooth) - CUT_SMOOTHING)]))
