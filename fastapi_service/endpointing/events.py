"""Pure: what the endpointer finds. Positions are samples at 16 kHz since the session's start, gaps included."""

from dataclasses import dataclass, replace
from typing import Literal

from wire.audio import SAMPLE_BYTES

Reason = Literal["silence", "too_long", "flush"]
"""Why an utterance ended."""


@dataclass(frozen=True)
class SpeechStart:
    """Enough frames were voiced to be called speech."""

    sample: int
    """Position at which its utterance begins."""


@dataclass(frozen=True)
class SpeculativeEndpoint:
    """A pause inside an utterance that may turn out to be its end."""

    start: int
    end: int
    pcm: bytes
    """The utterance so far, from ``start`` to ``end``."""
    speech_end: float
    """Arrival of its last voiced frame, on the caller's clock."""
    silence: int
    """Samples of trailing silence."""

    def after(self, position: int) -> "SpeculativeEndpoint":
        """Return the same pause of the rest, when the utterance was ended at an earlier position."""
        return replace(self, start=position, pcm=self.pcm[(position - self.start) * SAMPLE_BYTES :])


@dataclass(frozen=True)
class Utterance:
    """Speech with the silence around it."""

    start: int
    end: int
    pcm: bytes
    reason: Reason
    speech_end: float
    """Arrival of its last voiced frame, on the caller's clock."""
    ended: float
    """Arrival of the frame that showed its end, or of the text that did, on the caller's clock."""
    audio_end: float
    """Arrival of its last sample, on the caller's clock, if audio came in real time. It may lie seconds before
    ``ended``: a text comes late, and a part of a long silence is left out."""
    silence: int
    """Samples of trailing silence that belong to it."""

    def ends_in(self, pause: SpeculativeEndpoint) -> bool:
        """Return True if all speech of the utterance lies before the end of a pause."""
        return pause.start == self.start and self.end - self.silence < pause.end <= self.end


Event = SpeechStart | SpeculativeEndpoint | Utterance
