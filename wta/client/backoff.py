"""Pauses between attempts to connect, and the moment to give up."""

import asyncio
import random
import time
from collections.abc import Callable

from wta.client.errors import GatewayUnavailable

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0


class Backoff:
    """Pauses that double, with jitter, so that many clients do not return at the same moment."""

    def __init__(self, timeout_s: float, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._timeout_s = timeout_s
        self._first_pause_s = first_pause_s
        self._attempts = 0
        self._since: float | None = None
        """Start of the outage, on the monotonic clock."""

    def progress(self) -> None:
        """End the outage: the next failure begins a new one."""
        self._attempts, self._since = 0, None

    async def pause(self, unavailable: GatewayUnavailable, on_pause: Callable[[float], None]) -> None:
        """Call ``on_pause`` with the seconds left of the timeout, then wait before the next attempt.

        Raises:
            GatewayUnavailable: ``unavailable`` itself, when the outage has lasted too long.
        """
        moment = time.monotonic()
        self._since = moment if self._since is None else self._since
        left = self._since + self._timeout_s - moment
        if left <= 0:
            raise unavailable
        on_pause(left)
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** min(self._attempts, 10))
        self._attempts += 1
        await asyncio.sleep(min(left, longest * random.uniform(0.5, 1.0)))
