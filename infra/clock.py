"""The time of Redis, in which this process states every time that another host compares with its own.

Hosts' clocks differ, and are set while services run. So a process measures the offset of Redis' clock to its own
monotonic one, and stamps by that. It measures with each heartbeat (``infra.heartbeat``), which has the difference of
the host's clock as ``clock_skew_s``.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from infra.redis_client import Redis

MAX_SKEW_S = 2.0
"""Seconds that a host's clock may differ from Redis' without a warning. Nothing here depends on it: logs of several
hosts are hard to read together, and Celery delivers tasks again too early or too late (``VISIBILITY_TIMEOUT_S``)."""
SETTLED_S = 1.0
"""Seconds below which the difference is over: a clock at the limit does not warn again and again."""
DRIFT = 0.0005
"""Seconds that two clocks drift apart in one second at most, while one of them is slewed."""
REMEDY = "Set the clocks of all hosts by NTP (timedatectl set-ntp true)."
FIRST_READINGS = 4
"""Readings of the first measurement: the very first one has to connect."""

log = structlog.get_logger()


class _Bounds(NamedTuple):
    """Lowest and highest offset of a clock to the monotonic one, in seconds."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    @property
    def uncertain(self) -> float:
        return (self.high - self.low) / 2

    def contains(self, offset: float) -> bool:
        return self.low <= offset <= self.high


class RedisClock:
    """Redis' time on this host, between two measurements too. Measured by one thread, read by any."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        """Use two clocks of this host: one that is never set, and the one that shows the time of day."""
        self.monotonic = monotonic
        """Returns the seconds of the clock that is never set."""
        self._wall = wall
        self._offset: float | None = None
        """Redis' time minus the monotonic one, in seconds; None before the first measurement."""
        self._bounds = _Bounds(0.0, 0.0)
        self._measured_at = 0.0
        """Monotonic seconds."""
        self.differs = False
        """True once the host's clock differs by more than ``MAX_SKEW_S``, until it is near again."""

    def now(self) -> float:
        """Return Unix seconds by Redis' clock; by this host's before the first measurement."""
        offset = self._offset
        return self._wall() if offset is None else self.monotonic() + offset

    @property
    def skew_s(self) -> float | None:
        """Seconds that this host's clock is ahead of Redis'; None before the first measurement."""
        return None if self._offset is None else self._own().middle - self._offset

    def measure(self, redis: Redis) -> float:
        """Read Redis' clock and return ``skew_s``; log if it has become more than ``MAX_SKEW_S``, or no longer is.

        An answer bounds the offset by the moments of its request and its receipt. All bounds together are closer than
        those of one answer; the host's own clock is followed while it is within them, so that processes of one host
        agree exactly.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable; the offset stays.
        """
        for _ in range(FIRST_READINGS if self._offset is None else 1):
            self._read(redis)
        own = self._own()
        skew_s = own.middle - (self._offset or 0.0)
        self._log(skew_s, own.uncertain + self._bounds.uncertain)
        return skew_s

    def _own(self) -> _Bounds:
        """Read the clock of this host: between two readings of the other, as this thread may be put aside meanwhile."""
        before, wall, after = self.monotonic(), self._wall(), self.monotonic()
        return _Bounds(wall - after, wall - before)

    def _read(self, redis: Redis) -> None:
        requested = self.monotonic()
        seconds, microseconds = redis.time()
        received = self.monotonic()
        at_redis = seconds + microseconds / 1e6
        new = _Bounds(at_redis - received, at_redis - requested)
        if self._offset is not None:
            drift = DRIFT * (received - self._measured_at)
            both = _Bounds(max(new.low, self._bounds.low - drift), min(new.high, self._bounds.high + drift))
            if both.low <= both.high:  # otherwise Redis' clock was set, or this host slept: only the new one is true
                new = both
        self._bounds, self._measured_at = new, received
        own = self._own().middle
        self._offset = own if new.contains(own) else new.middle

    def _log(self, skew_s: float, uncertain: float) -> None:
        if not self.differs and abs(skew_s) - uncertain > MAX_SKEW_S:
            self.differs = True
            log.warning("clock differs from redis", skew_s=round(skew_s, 3), remedy=REMEDY)
        elif self.differs and abs(skew_s) < SETTLED_S:
            self.differs = False
            log.info("clock agrees with redis", skew_s=round(skew_s, 3))


process_clock = RedisClock()
"""The clock of this process, which its heartbeat measures."""


class Stopwatch:
    """Times of one piece of work. Its length is right also if Redis' clock is set, or is another one, meanwhile."""

    def __init__(self, clock: RedisClock = process_clock) -> None:
        """Begin now, by a clock of this process."""
        self.started = clock.now()
        """Unix seconds by Redis' clock."""
        self._monotonic = clock.monotonic
        self._began = clock.monotonic()

    def now(self) -> float:
        """Return Unix seconds: the beginning, and the time that has passed since by this host."""
        return self.started + (self._monotonic() - self._began)


def now() -> float:
    """Return Unix seconds by Redis' clock, as in all timestamps of messages."""
    return process_clock.now()
