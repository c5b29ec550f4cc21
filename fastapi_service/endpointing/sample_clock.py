"""Pure: positions in a client's samples and in samples at 16 kHz."""

from wire.audio import SAMPLE_RATE


class SampleClock:
    """Counts a client's samples and converts between its count and the count at 16 kHz.

    Both counts begin with the session and include gaps.
    """

    def __init__(self, rate: int, received: int = 0) -> None:
        """Start at a position.

        Args:
            rate: the client's sample rate in Hz.
            received: samples at that rate before the first call of ``advance``.
        """
        self._rate = rate
        self._received = received

    def advance(self, samples: int) -> None:
        """Count samples at the client's rate, sent or left out."""
        self._received += samples

    @property
    def seconds(self) -> float:
        """Audio received since the session's start."""
        return self._received / self._rate

    @property
    def position(self) -> int:
        """Audio received since the session's start, in samples at 16 kHz."""
        return self._received * SAMPLE_RATE // self._rate

    def to_client(self, position: int) -> int:
        """Convert a position at 16 kHz; never more than was received, whatever the resampler's filter added."""
        return min(self._received, position * self._rate // SAMPLE_RATE)
