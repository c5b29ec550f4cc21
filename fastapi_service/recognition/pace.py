"""Pure: whether a session's audio comes faster than real time, as that of a file does."""

import math

AHEAD_S = 1.5
"""Lead in seconds of audio from which a session is ahead. A file has it before its first utterance ends."""
LEVEL_S = 0.5
"""Lead at which a session is no longer ahead."""
CHUNK_S = 5.0
"""Most seconds without audio that count in favour of what follows: clients may send live speech in chunks, and networks
deliver in bursts. More would let a file that begins late go before people who talk."""
OUTAGE_S = 60.0
"""The same for a connection that resumed a session: its client has buffered what was said during the outage."""
LEAK_S = 5.0
"""Time constant with which a lead is forgotten. A session that goes on in real time is level 15 s after a burst of
10 s, 27 s after one of two minutes; a sound card that is too fast never leads. Up to 1.3 times real time is live."""
LIVE_S = 10.0
"""Seconds of audio in real time, and none of it faster, that end a lead: it is live speech. A file that is slowed down
comes in bursts."""
JITTER = 0.8
"""Share of its length that must have passed since the audio before, for a piece in real time."""
PAUSE_S = 2.0
"""A piece that comes this much later than it is long is not counted: the first of a burst, or after a pause."""
SETTLED_S = 1.0
"""Seconds of audio or gaps in real time, since the session is live, after which an earlier lead is over. Time without
either shows nothing: a file that comes in bursts has it, too."""
QUIET_S = 1.0
"""Seconds without audio, while nothing waits for the ledger, that end a lead: the file is over."""


class Pace:
    """One connection's lead: seconds of audio received minus seconds passed, at least ``−credit``.

    A session that is ahead stays so while its utterances wait for the ledger, unless its audio comes in real time. Time
    does not count then, because the gateway itself slows the session down. Gaps are no lead: they are no work, and a
    page that was suspended reports the whole time as one. Those that come in real time show that the session is live.
    """

    def __init__(
        self, at: float, *, resumed: bool = False, ahead_s: float = AHEAD_S, settled_s: float = SETTLED_S
    ) -> None:
        """Begin level, or with a full credit.

        Args:
            at: the present, in seconds of a clock that never goes back.
            resumed: the client may have buffered audio before this connection began.
            ahead_s: lead in seconds from which the session is ahead.
            settled_s: seconds in real time after which an earlier lead is over.
        """
        self._credit_s = OUTAGE_S if resumed else CHUNK_S
        self._lead_s = -self._credit_s if resumed else 0.0
        self._ahead_s = ahead_s
        self._at = at
        self._quiet_s = 0.0
        """Time since the newest audio in which nothing waited."""
        self._since_audio_s = 0.0
        self._in_real_time_s = 0.0
        """Newest audio that came no faster than real time."""
        self._waiting = False
        self._settled_s = settled_s
        self._real_time = _RealTime()
        """Since the session is live."""
        self._pinned = False
        self.ahead = False
        """True for a session that sends faster than real time; as of the last call."""

    def pin(self) -> None:
        """Be ahead from now on, however the audio comes."""
        self._pinned = self.ahead = True

    @property
    def settled(self) -> bool:
        """True for a session that is live for certain; as of the last call."""
        return not self.ahead and self._real_time.seconds(self._at) >= self._settled_s

    def update(self, at: float, seconds: float = 0.0, *, gap_s: float = 0.0, waiting: bool) -> None:
        """Let time pass, then take in audio or a gap.

        Args:
            at: the present, on the same clock as at the beginning.
            seconds: length of the audio that has just come.
            gap_s: length of the silence, in seconds, that the client has just reported instead of sending it.
            waiting: utterances wait for the ledger from now on.
        """
        if self._pinned:
            return
        self._pass(at - self._at)
        self._since_audio_s += at - self._at
        self._at, self._waiting = at, waiting
        if seconds:
            self._take(seconds)
        if self.ahead:
            self._real_time = _RealTime()
        elif seconds or gap_s:
            self._real_time.take(at, seconds + gap_s)

    def _take(self, seconds: float) -> None:
        if self._since_audio_s < JITTER * seconds:
            self._in_real_time_s = 0.0
        elif self._since_audio_s <= seconds + PAUSE_S:
            self._in_real_time_s += seconds
        self._quiet_s = self._since_audio_s = 0.0
        self._lead_s += seconds
        self.ahead = self.ahead or self._lead_s > self._ahead_s
        if self.ahead and self._in_real_time_s >= LIVE_S:
            self.ahead, self._lead_s = False, 0.0

    def _pass(self, passed_s: float) -> None:
        if self.ahead and self._waiting:
            return
        self._quiet_s += passed_s
        self._lead_s = max(-self._credit_s, _leak(self._lead_s, passed_s))
        if self._quiet_s >= QUIET_S:
            self._lead_s = min(self._lead_s, 0.0)
        if self._lead_s < LEVEL_S:
            self.ahead = False


class _RealTime:
    """Counts the audio that comes in real time, in frames of any length and in chunks of many frames.

    A chunk is what comes before its own length has passed since its beginning. One that is longer than ``CHUNK_S`` is a
    burst, before and after which nothing counts together.
    """

    def __init__(self) -> None:
        self._counted_s = 0.0
        """Length of all chunks before the current one."""
        self._chunk_s = 0.0
        self._chunk_at = self._newest_at = -math.inf
        """Times of the first and the newest piece of the current chunk."""

    def seconds(self, at: float) -> float:
        """Return the seconds of audio that have come in real time until ``at``."""
        return self._counted_s + (self._chunk_s if self._is_over(at) else 0.0)

    def take(self, at: float, seconds: float) -> None:
        """Take in a piece that came at ``at``."""
        burst_is_over = self._chunk_s > CHUNK_S and at - self._newest_at >= JITTER * seconds
        if self._is_over(at) or burst_is_over:
            self._counted_s = self.seconds(at)
            self._chunk_s, self._chunk_at = 0.0, at
        self._chunk_s += seconds
        self._newest_at = at
        if self._chunk_s > CHUNK_S:
            self._counted_s = 0.0

    def _is_over(self, at: float) -> bool:
        return self._chunk_s <= CHUNK_S and at - self._chunk_at >= JITTER * self._chunk_s


def _leak(lead_s: float, passed_s: float) -> float:
    """Return a lead after some time: it falls with the time, and, while it is positive, by a share of itself."""
    level_after_s = LEAK_S * math.log1p(max(0.0, lead_s) / LEAK_S)
    if passed_s < level_after_s:
        return (lead_s + LEAK_S) * math.exp(-passed_s / LEAK_S) - LEAK_S
    return min(lead_s, 0.0) - (passed_s - level_after_s)
