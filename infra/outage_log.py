"""Logs an outage of a dependency once at its start and once at its end, however many attempts fail."""

import time

import structlog

log = structlog.get_logger()


class OutageLog:
    """Logs the outages of one repeated operation. For use from one thread or event loop.

    With ``event="heartbeat write"`` the lines are ``heartbeat write failed`` (warning, with ``error``) and
    ``heartbeat write recovered`` (info, with ``after_s``).
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._failing_since: float | None = None

    def failed(self, error: BaseException) -> None:
        """Record a failed attempt; only the first of an outage is logged."""
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            log.warning(f"{self._event} failed", error=type(error).__name__)

    def recovered(self) -> None:
        """Record a successful attempt; only the first after an outage is logged."""
        if self._failing_since is not None:
            log.info(f"{self._event} recovered", after_s=round(time.monotonic() - self._failing_since, 1))
            self._failing_since = None
