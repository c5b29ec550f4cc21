"""Pure: the two legs of a call, which come in messages of their own, become one stereo stream."""

from collections.abc import Mapping, Sequence

import numpy as np

from infra.sound.g711 import RATE
from wire.audio import Pcm

LOST = RATE // 10
"""Samples by which a leg may be behind its timestamps before silence fills it up: below that, they are rounded."""
LATE = RATE // 2
"""Samples by which one leg may be behind the other one before silence takes its place, and its audio that comes later
is left out: a leg may have none for minutes."""


class _Leg:
    """One leg's samples that wait for the other one's."""

    def __init__(self) -> None:
        self.waiting: list[Pcm] = []
        self.end = 0
        """Position behind the newest sample."""

    def append(self, pcm: Pcm) -> None:
        """Add samples."""
        self.waiting.append(pcm)
        self.end += len(pcm)

    def fill(self, end: int) -> None:
        """Add silence up to a position."""
        if end > self.end:
            self.append(np.zeros(end - self.end, dtype=np.int16))

    def take(self, count: int) -> Pcm:
        """Remove the oldest samples."""
        samples = np.concatenate(self.waiting)
        self.waiting = [samples[count:]]
        return samples[:count]


class Legs:
    """Puts one leg, or two, onto the common time of their timestamps. Positions are samples at 8 kHz."""

    def __init__(self, tracks: Sequence[str]) -> None:
        """``tracks`` are the names of the legs, the left one first."""
        self._legs: Mapping[str, _Leg] = {track: _Leg() for track in tracks}
        self._sent = 0
        """Position up to which audio was returned."""

    def feed(self, track: str, timestamp_ms: int, pcm: Pcm) -> Pcm:
        """Take in audio of one leg; returns what is complete now, interleaved.

        Args:
            track: name of the leg; that of an unknown one is left out.
            timestamp_ms: when it began, since the beginning of the stream.
            pcm: samples.
        """
        leg = self._legs.get(track)
        if leg is None:
            return np.zeros(0, dtype=np.int16)
        begin = timestamp_ms * RATE // 1000
        if begin - leg.end > LOST:
            leg.fill(begin)
        leg.append(pcm[max(0, self._overlap(leg, begin)) :])
        return self._complete()

    def rest(self) -> Pcm:
        """Return what still waits; a leg that is behind ends in silence."""
        end = max(leg.end for leg in self._legs.values())
        return self._up_to(end)

    def _overlap(self, leg: _Leg, begin: int) -> int:
        """Return how many samples at the beginning come too late: silence has taken their place."""
        late = leg.end - begin
        return late if late > LOST else 0

    def _complete(self) -> Pcm:
        ends = [leg.end for leg in self._legs.values()]
        return self._up_to(max(min(ends), max(ends) - LATE))

    def _up_to(self, end: int) -> Pcm:
        count = end - self._sent
        if count <= 0:
            return np.zeros(0, dtype=np.int16)
        for leg in self._legs.values():
            leg.fill(end)
        self._sent = end
        taken = [leg.take(count) for leg in self._legs.values()]
        stereo: Pcm = np.stack(taken, axis=1).reshape(-1)
        return stereo
