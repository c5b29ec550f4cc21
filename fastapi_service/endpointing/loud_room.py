"""Pure: the rule for rooms in which every frame is loud. A frame is voiced if it holds a near voice."""

from collections import deque
from statistics import fmean

from fastapi_service.endpointing.voice import VoiceModel, VoiceStream
from wire.audio import Pcm

SMOOTHED = 7
"""Frames over which the level is averaged, 210 ms: that of a voice is steadier than that of many distant ones."""
BEGINS, GOES_ON = 16.0, 4.0
"""Multiples of the noise floor from which a near voice begins, and goes on: 12 and 6 dB. Distant ones, which the model
calls voice too, are seldom that far above the floor that they make."""
BELOW_LOUD = 16.0
"""Whatever the floor, a voice is near when it is less than 12 dB below the loud frames of the last 10 s: without others
beside, a voice may be as quiet as the noise."""
HELD = 4
"""Frames that stay voiced behind the voice, 120 ms: in noise the model misses the ends of words."""


class LoudRoom:
    """Near voice along one stream."""

    def __init__(self, model: VoiceModel) -> None:
        """Begin without voice."""
        self._voice = VoiceStream(model)
        self.reset()

    def reset(self) -> None:
        """Begin again, behind frames that were not given."""
        self._voice.reset()
        self._recent: deque[float] = deque(maxlen=SMOOTHED)
        """Newest energies."""
        self._is_near = False
        self._held = 0
        """Frames that are still voiced without voice."""

    def update(self, frame: Pcm, energy: float, floor: float, loud: float) -> bool:
        """Take in a frame, and return True if it is voiced.

        Args:
            frame: its samples.
            energy: its mean square; so are the others.
            floor: of the noise.
            loud: of the loud frames of the last 10 s.
        """
        self._recent.append(energy)
        multiple = GOES_ON if self._is_near else BEGINS
        self._is_near = fmean(self._recent) >= min(multiple * floor, loud / BELOW_LOUD)
        if self._voice.update(frame) and self._is_near:
            self._held = HELD
            return True
        self._held -= 1
        return self._held >= 0
