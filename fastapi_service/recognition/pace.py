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
"""Seconds of being live after which an earlier lead is over. In a file that comes in bursts there are shorter ones."""
QUIET_S = 1.0
"""Seconds without audio, while nothing waits for the ledger, that end a lead: the file is over."""


class Pace:
    """One connection's lead: seconds of audio received minus seconds passed, at least ``−credit``.

    A session that is ahead stays so while its utterances wait for the ledger, unless its audio comes in real time. Time
    does not count then, because the gateway itself slows the session down. Gaps do not count at all: they are no work,
    and a page that was suspended reports the whole time as one.
    """

    def __init__(self, at: float, *, resumed: bool = False, ahead_s: float = AHEAD_S) -> None:
        """Begin level, or with a full credit.

        Args:
            at: the present, in seconds of a clock that never goes back.
            resumed: the client may have buffered audio before this connection began.
            ahead_s: lead in seconds from which the session is ahead.
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
        self._live_at = at
        """Since when the session is not ahead."""
        self.ahead = False
        """True for a session that sends faster than real time; as of the last call."""

    @property
    def settled(self) -> bool:
        """True for a session that has been live for a while; as of the last call."""
        return not self.ahead and self._at - self._live_at >= SETTLED_S

    def update(self, at: float, seconds: float = 0.0, *, waiting: bool) -> None:
        """Let time pass, then take in audio.

        Args:
            at: the present, on the same clock as at the beginning.
            seconds: length of the audio that has just come.
            waiting: utterances wait for the ledger from now on.
        """
        was_ahead = self.ahead
        self._pass(at - self._at)
        self._since_audio_s += at - self._at
        self._at, self._waiting = at, waiting
        if seconds:
            self._take(seconds)
        if was_ahead:
            self._live_at = at

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


def _leak(lead_s: float, passed_s: float) -> float:
    """Return a lead after some time: it falls with the time, and, while it is positive, by a share of itself."""
    level_after_s = LEAK_S * math.log1p(max(0.0, lead_s) / LEAK_S)
    if passed_s < level_after_s:
        return (lead_s + LEAK_S) * math.exp(-passed_s / LEAK_S) - LEAK_S
    return min(lead_s, 0.0) - (passed_s - level_after_s)
