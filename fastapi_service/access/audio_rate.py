"""Pure: whether audio comes faster than it can have been spoken."""

import math

FASTEST = 1.2
"""Times real time: sound cards and networks are not exact."""
BUFFERED_S = 125.0
"""Seconds that a client may have kept during an outage: the page keeps 110 s, the recorder two minutes."""
SILENT_S = 3_600.0
"""Seconds of silence that a session may begin with: of the outage before it, between what its client has kept."""


class AudioRate:
    """The lead of one connection: seconds of audio that came, beyond those that the time allows."""

    def __init__(self, at: float) -> None:
        """Begin at a time, in seconds of a clock that never goes back."""
        self._at = at
        self._lead_s = 0.0

    def take(self, at: float, seconds: float) -> int:
        """Take in a piece; returns the seconds after which it would have been in time, 0 if it is."""
        self._lead_s = self.lead(at) + seconds
        self._at = at
        return math.ceil(max(0.0, self._lead_s - BUFFERED_S) / FASTEST)

    def lead(self, at: float) -> float:
        """Return the lead in seconds of audio."""
        return max(0.0, self._lead_s - FASTEST * (at - self._at))


def is_early(clock_s: float, passed_s: float) -> int:
    """Return the seconds after which an audio clock may stand somewhere, 0 if it may now.

    Args:
        clock_s: where it stands, gaps included.
        passed_s: since the session began.
    """
    return math.ceil(max(0.0, clock_s - FASTEST * passed_s - BUFFERED_S - SILENT_S) / FASTEST)
