"""Pure: the adaptive energy rule that calls a frame voiced or unvoiced."""

import numpy as np
from numpy.typing import NDArray

FLOOR_WINDOW = 333
"""Frames that the noise floor is taken from: 10 s of 30 ms."""
FLOOR_PERCENTILE, LOUD_PERCENTILE = 10, 90
DIGITAL_SILENCE = 1e-9
"""Mean square of ±1 of 32,768, which no open microphone delivers. Such frames carry no information about the room."""
LOWEST_FLOOR = 1e-7
"""−70 dBFS: below it lies the noise of converters and codecs, not of rooms."""
FIRST_FLOOR = 2.0**-18
"""−54 dBFS: the floor before the room is known. Without it, a stream that begins inside of a quiet word took the
word for the room: of 75 words at −45 dBFS 14 were lost, with it none, and of four a part. In a room over −46 dBFS the
first second is voiced. With −57 dBFS a browser's microphone once gave an utterance without speech at its start."""
FIRST_FRAMES = 4
"""Frames that the window begins with, at ``FIRST_FLOOR``: the percentile lies among them for 1.1 s."""


class EnergyVad:
    """Calls a frame voiced when its energy is over min(ceiling, factor × noise floor).

    The floor is the 10th percentile of the frames of the last 10 s. A fixed threshold hides quiet speech; the ceiling
    keeps a noisy room from raising the threshold over normal speech.
    """

    def __init__(self, ceiling: float, factor: float) -> None:
        """Begin with the floor of a quiet room.

        Args:
            ceiling: highest threshold, as a mean square.
            factor: threshold in multiples of the floor.
        """
        self.tune(ceiling, factor)
        self._recent: NDArray[np.float32] = np.zeros(FLOOR_WINDOW, dtype=np.float32)
        """Ring of the newest energies."""
        self._recent[:FIRST_FRAMES] = FIRST_FLOOR
        self._seen = FIRST_FRAMES
        self._floor = FIRST_FLOOR

    def tune(self, ceiling: float, factor: float) -> None:
        """Change the threshold; what is known of the room stays. Both as at the beginning."""
        self._ceiling = ceiling
        self._factor = factor

    def update(self, energy: float) -> bool:
        """Move the floor by one frame and return whether that frame is voiced.

        Args:
            energy: mean square of a 30 ms frame, samples in −1…1.
        """
        if energy <= DIGITAL_SILENCE:
            return False
        self._recent[self._seen % FLOOR_WINDOW] = energy
        self._seen += 1
        self._floor = self._percentile(FLOOR_PERCENTILE)
        return energy > self.threshold()

    def threshold(self) -> float:
        """Return the energy that separates unvoiced from voiced frames now."""
        return min(self._ceiling, self._factor * max(self._floor, LOWEST_FLOOR))

    @property
    def is_deaf(self) -> bool:
        """True in a loud room: the ceiling is the threshold, not the noise, which may always be over it."""
        return self._factor * self._floor > self._ceiling

    @property
    def floor(self) -> float:
        """Return the noise floor, as a mean square."""
        return self._floor

    @property
    def loud(self) -> float:
        """Return the energy that a tenth of the frames of the last 10 s exceed."""
        return self._percentile(LOUD_PERCENTILE)

    def _percentile(self, percent: int) -> float:
        count = min(self._seen, FLOOR_WINDOW)
        rank = (count - 1) * percent // 100
        return float(np.partition(self._recent[:count], rank)[rank])
