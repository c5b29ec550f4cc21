"""Notices that a client's audio stays away."""

import asyncio
from collections.abc import Callable

LATE_S = 0.25
"""A timer that fires later than this fires in a process that stood still: audio may lie unread."""


class AudioTimeout:
    """Calls back when no audio has come for a while: one timer of the event loop, nothing polls."""

    def __init__(self, seconds: float | None, on_timeout: Callable[[], None]) -> None:
        """Begin stopped.

        Args:
            seconds: without audio; None: it never calls back.
            on_timeout: called once for each ``restart`` that no other call follows in time; must not block.
        """
        self.seconds = seconds
        """Counts from the next ``restart`` on."""
        self._on_timeout = on_timeout
        self._timer: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Wait for audio from now on."""
        self.stop()
        if self.seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self._fire)

    def extend(self) -> None:
        """Restart, unless stopped."""
        if self._timer is not None:
            self.restart()

    def stop(self) -> None:
        """Wait for no audio."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        if self._timer is not None and asyncio.get_running_loop().time() > self._timer.when() + LATE_S:
            self.restart()
            return
        self._timer = None
        self._on_timeout()
