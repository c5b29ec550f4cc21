"""Checks of what clients send. Each failure is a ``ProtocolError`` that does not repeat the input."""

from collections.abc import Callable
from functools import partial

from pydantic import ValidationError

from fastapi_service import errors
from wire.errors import ProtocolError

MAX_MESSAGE_BYTES = 65_536
"""2 s of 16 kHz audio. Larger messages are refused; the WebSocket library closes with 1009 beyond 256 KiB."""

_FIELDS: dict[str, Callable[[str], ProtocolError]] = {
    "language": errors.unknown_language,
    "room": lambda _reason: errors.bad_room(),
    "sample_rate": errors.bad_sample_rate,
    "name": partial(errors.bad_name, "name"),
    "role": partial(errors.bad_name, "role"),
    "channels": errors.bad_channels,
    "channel": errors.bad_channels,
    "speakers": errors.bad_channels,
    "resume": errors.bad_channels,
}
"""Field of a control message → error for an invalid value, from its reason."""


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
    field = next((place for place in reversed(error["loc"]) if isinstance(place, str)), "")  # numbers are of lists
    field = "language" if field == "languages" and isinstance(error["loc"][-1], int) else field
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return errors.bad_json()
    no_object = error["type"] in {"model_attributes_type", "model_type", "dict_type"}
    if error["type"].startswith("union_tag") or (no_object and len(error["loc"]) <= 1):
        return errors.unknown_message()
    refuse = _FIELDS.get(str(field)) if error["type"] != "extra_forbidden" else None
    return refuse(reason) if refuse else errors.bad_message(field, reason)
