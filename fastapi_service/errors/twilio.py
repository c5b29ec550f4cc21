"""Errors of ``/twilio``."""

from wire.errors import ProtocolError


def bad_event(reason: str) -> ProtocolError:
    """A message is none of Twilio's; it is not repeated."""
    return ProtocolError(
        "bad_message", f"This is no message of Twilio's Media Streams: {reason}.", "See docs/doors.md."
    )
