"""Errors of a control message."""

from wire.errors import ProtocolError
from wire.people import MAX_NAME, MAX_ROLE


def bad_json() -> ProtocolError:
    """A text message is not JSON."""
    return ProtocolError(
        "bad_json",
        "A text message must be a JSON control message.",
        "Send audio as binary messages, and control messages as JSON objects with a type.",
    )


def unknown_message() -> ProtocolError:
    """A control message has no known type."""
    return ProtocolError(
        "unknown_message",
        "This type of control message is unknown.",
        "Send a JSON object whose type is start, configure, gap, stop or ping.",
    )


def bad_message(field: str, reason: str) -> ProtocolError:
    """Any other field of a control message is invalid; ``field`` is empty for the message as a whole."""
    return ProtocolError("bad_message", f"Invalid {field or 'message'}: {reason}.", "See docs/protocol.md.")


def unknown_language(reason: str) -> ProtocolError:
    """Whisper does not have the language of a ``start``."""
    return ProtocolError(
        "unknown_language",
        f"The language is unknown: {reason}.",
        "Send an ISO 639 code such as en, ko or de, or null.",
    )


def bad_room() -> ProtocolError:
    """A ``start`` has a room whose name is not allowed."""
    return ProtocolError(
        "bad_room", "The name of the room is invalid.", "Use 1 to 64 letters, digits, dots, hyphens or underscores."
    )


def bad_name(field: str, reason: str) -> ProtocolError:
    """A ``start`` or ``configure`` has a ``name`` or a ``role`` that cannot be shown; it is not repeated."""
    return ProtocolError(
        "bad_name",
        f"The {field} is invalid: {reason}.",
        f"Use one line of at most {MAX_ROLE if field == 'role' else MAX_NAME} characters, without control characters.",
    )


def bad_sample_rate(reason: str) -> ProtocolError:
    """A ``start`` has a sample rate out of range."""
    return ProtocolError(
        "bad_sample_rate",
        f"The sample rate is invalid: {reason}.",
        "Send a whole number of hertz between 8000 and 48000, the rate of the audio that follows.",
    )


def bad_channels(reason: str) -> ProtocolError:
    """The channels of a ``start`` or a ``configure``, or what belongs to them, are invalid."""
    return ProtocolError(
        "bad_channels",
        f"The channels are refused: {reason}.",
        "Send channels 1, or channels 2 with two speakers or two sessions to resume; see docs/protocol.md.",
    )


def too_large(size: int, limit: int) -> ProtocolError:
    """A message has more bytes than allowed."""
    return ProtocolError(
        "too_large",
        f"Received a message of {size} bytes; {limit} are allowed. It was ignored.",
        "Send audio in smaller pieces, such as 100 ms.",
    )
