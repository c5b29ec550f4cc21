"""Statistics for one client: the newest of each scope and person, and not too many of them."""

import asyncio
from collections.abc import Callable
from math import inf

from wire.messages.statistics import AnyStatistics, Statistics

PAUSE_S = 0.5
"""Shortest time between two messages of the same scope or person."""


class NewestStatistics:
    """Passes statistics on, the first at once; of those that come within ``PAUSE_S`` of it the newest, after it."""

    def __init__(self, send: Callable[[AnyStatistics], None]) -> None:
        self._send = send
        self._versions: dict[str, int] = {}
        """Id of a session, ``room``, or id of a person → version of the newest that came."""
        self._sent_at: dict[str, float] = {}
        """The same → time of the event loop at which one was passed on."""
        self._waiting: dict[str, AnyStatistics] = {}
        self._timer: asyncio.TimerHandle | None = None
        """Passes on those that wait, if there are any."""

    def take(self, statistics: AnyStatistics) -> None:
        """Pass statistics on, now or soon, if they are newer than all that came of the same scope or person."""
        of = (statistics.session_id or statistics.scope) if isinstance(statistics, Statistics) else statistics.person
        if statistics.version <= self._versions.get(of, 0):
            return
        self._versions[of] = statistics.version
        self._waiting[of] = statistics
        self._pass_on()

    def flush(self) -> None:
        """Pass on what waits."""
        for of in self._waiting:
            self._sent_at.pop(of, None)
        self._pass_on()

    def stop(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._pass_on()

    def _pass_on(self) -> None:
        """Pass on what has waited long enough, and come back for the rest."""
        now = asyncio.get_running_loop().time()
        due = {of: self._sent_at.get(of, -inf) + PAUSE_S for of in self._waiting}
        for of, at in due.items():
            if at <= now:
                self._sent_at[of] = now
                self._send(self._waiting.pop(of))
        if self._timer is not None:
            self._timer.cancel()
        rest = [at for of, at in due.items() if of in self._waiting]
        self._timer = asyncio.get_running_loop().call_at(min(rest), self._pass_on) if rest else None
