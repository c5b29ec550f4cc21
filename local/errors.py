"""What can go wrong while the system is started without Docker."""

from wire.errors import WireError


class LocalError(WireError):
    """The system cannot be started or has ended; the message says what to do."""
