"""Checks of what clients send. Each failure is a ``ProtocolError`` that does not repeat the input."""

from pydantic import ValidationError

from fastapi_service import errors
from wire.errors import ProtocolError

MAX_MESSAGE_BYTES = 65_536
"""2 s of 16 kHz audio. Larger messages are refused; the WebSocket library closes with 1009 beyond 256 KiB."""


def check_size(size: int) -> None:
    """Check the size of a message in bytes.

    Raises:
        ProtocolError: it is too large.
    """
    if size > MAX_MESSAGE_BYTES:
        raise errors.too_large(size, MAX_MESSAGE_BYTES)


def check_audio(data: bytes) -> None:
    """Check a binary message.

    Raises:
        ProtocolError: it is too large, empty, or not whole Int16 samples.
    """
    check_size(len(data))
    if not data:
        raise errors.empty_audio()
    if len(data) % 2:
        raise errors.odd_audio(len(data))


def explain(invalid: ValidationError) -> ProtocolError:
    """Return the error for the first invalid field of a control message."""
    error = invalid.errors(include_input=False, include_url=False)[0]
    place = error["loc"][-1] if error["loc"] else ""
    field = "language" if isinstance(place, int) else place  # languages is the only list
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return errors.bad_json()
    if error["type"].startswith("union_tag") or error["type"] in {"model_attributes_type", "model_type", "dict_type"}:
        return errors.unknown_message()
    if error["type"] == "extra_forbidden":
        return errors.bad_message(field, reason)
    match field:
        case "language":
            return errors.unknown_language(reason)
        case "room":
            return errors.bad_room()
        case "sample_rate":
            return errors.bad_sample_rate(reason)
        case _:
            return errors.bad_message(field, reason)
