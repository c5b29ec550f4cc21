"""Errors of ``/twilio``."""

from wire.errors import AccessError, ProtocolError


def bad_event(reason: str) -> ProtocolError:
    """A message is none of Twilio's; it is not repeated."""
    return ProtocolError(
        "bad_message", f"This is no message of Twilio's Media Streams: {reason}.", "See docs/doors.md."
    )


def bad_signature() -> AccessError:
    """A call has not the signature of the Twilio account whose token the gateway has."""
    return AccessError(
        "bad_signature",
        "The request has no signature of the Twilio account, or one of another address.",
        "Set GATEWAY_TWILIO_TOKEN to its auth token, and let the proxy say the address that the TwiML has.",
    )
