"""What clients can get wrong, in words that help them. Codes are stable; docs/protocol.md lists them."""

from collections.abc import Iterable

from pydantic import ValidationError

from wire.errors import ProtocolError, StoreError

MAX_MESSAGE_BYTES = 65_536
"""2 s of 16 kHz audio. Larger messages are refused; the WebSocket library closes with 1009 beyond 256 KiB."""
MOST_ERRORS = 20
"""Mistakes that a client may make before it is cut off."""
_GOES_ON = "Nothing is lost, and it goes on by itself; if it lasts longer than a minute, pause, and tell the operator"


def explain(refused: ValidationError) -> ProtocolError:
    """The first thing that is wrong with a control message."""
    error = refused.errors(include_input=False, include_url=False)[0]
    field = str(error["loc"][-1]) if error["loc"] else ""
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return ProtocolError(
            "bad_json",
            "A text message must be a JSON control message.",
            "Send audio as binary messages, and control messages as JSON objects with a type.",
        )
    if error["type"].startswith("union_tag") or error["type"] in {"model_attributes_type", "model_type", "dict_type"}:
        return ProtocolError(
            "unknown_message",
            "This is not a control message that the service knows.",
            "Send a JSON object whose type is start, gap, stop or ping.",
        )
    if field == "language":
        return ProtocolError(
            "unknown_language",
            f"The language is unknown: {reason}.",
            "Send an ISO 639 code such as en, ko or de, or null.",
        )
    if field == "room":
        return ProtocolError(
            "bad_room", "This is not a name for a room.", "Use 1 to 64 letters, digits, dots, hyphens or underscores."
        )
    if field == "sample_rate":
        return ProtocolError(
            "bad_sample_rate",
            f"The sample rate is not possible: {reason}.",
            "Send a whole number of hertz between 8000 and 48000, the rate of the audio that follows.",
        )
    return ProtocolError(
        "bad_message", f"{field or 'The message'} is not as it should be: {reason}.", "See docs/protocol.md."
    )


def check_audio(data: bytes) -> None:
    """
    Raises:
        ProtocolError: the message cannot be Int16 PCM, or is too large.
    """
    check_size(len(data))
    if not data:
        raise ProtocolError("empty_audio", "A binary message without audio came.", "Send Int16 samples, or nothing.")
    if len(data) % 2:
        raise ProtocolError(
            "odd_audio",
            f"A binary message of {len(data)} bytes came; Int16 samples have two bytes each. It was ignored.",
            "Send whole Int16 little-endian samples, mono.",
        )


def check_size(size: int) -> None:
    """
    Raises:
        ProtocolError: a message of ``size`` bytes is too large.
    """
    if size > MAX_MESSAGE_BYTES:
        raise ProtocolError(
            "too_large",
            f"A message of {size} bytes came; {MAX_MESSAGE_BYTES} are allowed. It was ignored.",
            "Send audio in smaller pieces, such as 100 ms.",
        )


def already_started() -> ProtocolError:
    return ProtocolError(
        "already_started",
        "The session has begun already; its settings stay as they are.",
        "Send start once, before any audio. For other settings open another connection.",
    )


def not_started(message_type: str) -> ProtocolError:
    return ProtocolError("not_started", f"{message_type} came before the session began.", "Send start or audio first.")


def too_long(seconds: int) -> ProtocolError:
    return ProtocolError(
        "session_too_long", f"A session may last {seconds // 60} minutes.", "Start a new session to go on."
    )


def too_many_errors() -> ProtocolError:
    return ProtocolError(
        "too_many_errors", f"{MOST_ERRORS} messages were refused.", "Correct the client; see docs/protocol.md."
    )


def taken_over() -> ProtocolError:
    return ProtocolError(
        "taken_over", "The session goes on in another connection.", "Close this one, or start a new session here."
    )


def too_slow() -> ProtocolError:
    return ProtocolError(
        "too_slow", "Too many messages wait for this client to read them.", "Resume the session; nothing is lost."
    )


def bad_format(formats: Iterable[str]) -> ProtocolError:
    return ProtocolError(
        "bad_format",
        "A conversation is not exported in this format.",
        f"Add ?format= and {_one_of(formats)}.",
    )


def no_token() -> ProtocolError:
    return ProtocolError(
        "no_token",
        "A conversation is exported only for whoever has its session's token.",
        "Send the header Authorization: Bearer TOKEN, with the token that came with ready.",
    )


def nothing_to_export() -> ProtocolError:
    return ProtocolError(
        "session_unknown",
        "There is no such session, it has expired, or the token does not belong to it.",
        "Use the token that came with ready, within SESSION_TTL_S (an hour) after the session's last activity.",
    )


def redis_away() -> StoreError:
    return StoreError(
        "redis_unreachable",
        "The service cannot reach its store at the moment.",
        "Try again in a few seconds; if it lasts, the operator must start Redis or correct REDIS_URL.",
    )


def redis_late() -> StoreError:
    return StoreError(
        "redis_unreachable",
        "The service cannot write to its store at the moment, so results come late.",
        f"{_GOES_ON} to look at Redis.",
    )


def busy() -> StoreError:
    return StoreError(
        "busy",
        "More speech waits than the service takes at once, so results come late.",
        f"{_GOES_ON} to add workers, or memory for Redis.",
    )


def full(connections: int) -> StoreError:
    return StoreError(
        "service_full", f"All {connections} places are taken.", "Try again later, or ask the operator for more."
    )


def _one_of(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
