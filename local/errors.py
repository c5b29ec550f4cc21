"""Errors of starting the system without Docker."""

from wire.errors import WireError


class LocalError(WireError):
    """The system cannot be started or has ended; the message says what to do."""
