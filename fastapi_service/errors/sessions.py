"""Errors of a session and its connection."""

from wire.errors import ProtocolError

MAX_ERRORS = 20
"""Invalid messages after which a client is disconnected."""
NO_SESSION = "There is no such session, it has expired, or the token does not belong to it."
"""A resume, an export and a deletion say the same; what to do then differs."""


def not_resumable() -> ProtocolError:
    """A ``start`` names a session that the token does not open."""
    return ProtocolError("session_unknown", NO_SESSION, "Start a new session: send start without session_id and token.")


def sample_rate_changed(rate: str | None, wanted: int) -> ProtocolError:
    """A ``start`` resumes a session whose audio has another rate, in hertz."""
    return ProtocolError(
        "sample_rate_changed",
        f"This session's audio has {rate} Hz, not {wanted} Hz.",
        f"Resume it with sample_rate {rate}, or start a new session.",
    )


def start_timeout(seconds: float) -> ProtocolError:
    """The client has a connection for some time, and no session."""
    return ProtocolError(
        "start_timeout",
        f"No session was started within {seconds:g} s, and others may need the place.",
        "Connect again when there is something to send, and send start, or audio, at once.",
    )


def idle(seconds: float) -> ProtocolError:
    """The client of a protocol that demands signs of life has sent none."""
    return ProtocolError(
        "idle",
        f"No message came for {seconds:g} s.",
        "Connect again when there is something to send; while nobody talks, send silence or the protocol's keep-alive.",
    )


def already_started() -> ProtocolError:
    """A second ``start``."""
    return ProtocolError(
        "already_started",
        "The session has started already; its settings stay the same.",
        "Send start once, before any audio. For other settings open another connection.",
    )


def not_started(message_type: str) -> ProtocolError:
    """A message needs a session, and there is none yet."""
    return ProtocolError(
        "not_started", f"Received {message_type} before the session started.", "Send start or audio first."
    )


def too_long(seconds: int) -> ProtocolError:
    """The session has reached its longest duration."""
    return ProtocolError(
        "session_too_long", f"A session may last {seconds // 60} minutes.", "Start a new session to go on."
    )


def too_many_errors() -> ProtocolError:
    """The client has sent too many invalid messages."""
    return ProtocolError(
        "too_many_errors", f"{MAX_ERRORS} messages were refused.", "Correct the client; see docs/protocol.md."
    )


def taken_over() -> ProtocolError:
    """Another connection has resumed the session."""
    return ProtocolError(
        "taken_over", "The session continues in another connection.", "Close this one, or start a new session here."
    )


def too_slow() -> ProtocolError:
    """The client does not read its messages."""
    return ProtocolError(
        "too_slow", "Too many messages wait for this client to read them.", "Resume the session; nothing is lost."
    )
