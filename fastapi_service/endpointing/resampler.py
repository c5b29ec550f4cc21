"""A client's sample rate → 16 kHz, or another one, as one continuous stream."""

import numpy as np
import soxr

from wire.audio import SAMPLE_RATE, Pcm


class StreamResampler:
    """Keeps its filter state between chunks; samples that have the wanted rate pass through.

    The state is dropped at a gap, so that positions before and after it stay exact.
    """

    def __init__(self, rate: int, wanted: int = SAMPLE_RATE) -> None:
        """Begin a stream.

        Args:
            rate: Hz of the samples that come.
            wanted: Hz of those that go.
        """
        self.rate = rate
        self._wanted = wanted
        self._stream = self._begin()

    def feed(self, pcm: Pcm) -> Pcm:
        """Convert the next samples; a few milliseconds stay inside the filter."""
        if self._stream is None:
            return pcm
        out: Pcm = self._stream.resample_chunk(pcm)
        return out

    def flush(self) -> Pcm:
        """Return what is left in the filter; what follows is a new stream."""
        if self._stream is None:
            return np.zeros(0, dtype=np.int16)
        rest: Pcm = self._stream.resample_chunk(np.zeros(0, dtype=np.int16), last=True)
        self._stream = self._begin()
        return rest

    def _begin(self) -> soxr.ResampleStream | None:
        return None if self.rate == self._wanted else soxr.ResampleStream(self.rate, self._wanted, 1, dtype="int16")
