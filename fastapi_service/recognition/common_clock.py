"""One audio clock for the two sessions of a stereo input."""

from dataclasses import replace

from fastapi_service.endpointing.events import Utterance
from wire.audio import samples_to_ms


class CommonClock:
    """The moment at which both began: that of the utterance which ends first, however fast the audio comes.

    Each session alone takes it from its own first utterance; of a file that comes at once, whose second talker begins
    a minute later, the two would lie a minute apart.
    """

    def __init__(self) -> None:
        self._began: float | None = None

    def place(self, utterance: Utterance) -> Utterance:
        """Return an utterance with its end on the common clock."""
        end_s = samples_to_ms(utterance.end) / 1000
        if self._began is None:
            self._began = utterance.audio_end - end_s
        return replace(utterance, audio_end=self._began + end_s)
