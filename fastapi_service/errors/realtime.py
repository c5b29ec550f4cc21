"""Errors of OpenAI Realtime, with the codes of that service where it has one."""

from collections.abc import Iterable

from wire.errors import ProtocolError


class EventError(ProtocolError):
    """An event of the client was refused.

    Args:
        code: as of every error.
        message: as of every error.
        remedy: as of every error.
        param: field of the event that is wrong, such as ``session.audio.input.format``; None for the event as a whole.
    """

    def __init__(self, code: str, message: str, remedy: str, param: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.param = param
        self.event_id: str | None = None
        """That of the event; the serializer sets it."""


def no_event() -> EventError:
    """A frame is no JSON object."""
    return EventError("invalid_json", "A message must be an event: a JSON object in a text frame.", "Send it so.")


def too_many_parts(most: int) -> EventError:
    """A large event has more than its audio."""
    return EventError("invalid_json", f"A large event may have {most} fields.", "Send audio only in large events.")


def event_too_large(size: int, limit: int) -> EventError:
    """An event without audio is as large as only audio may be."""
    message = f"The event has {size} characters; without audio {limit} are allowed."
    return EventError("too_large", message, "Send shorter terms and prompts.")


def unknown_event(known: Iterable[str]) -> EventError:
    """The ``type`` of an event is missing or unknown; it is not repeated."""
    return EventError("invalid_value", "The type of the event is unknown.", f"Known are {', '.join(known)}.", "type")


def event_of_conversations() -> EventError:
    """The event belongs to sessions in which a model answers."""
    return EventError(
        "unsupported_event",
        "This event is for sessions in which a model answers; this service transcribes.",
        "Send input_audio_buffer events and session.update.",
        "type",
    )


def bad_field(param: str, reason: str) -> EventError:
    """A field of an event is invalid; its value is not repeated."""
    return EventError("invalid_value", f"Invalid {param}: {reason}.", "See docs/doors.md.", param)


def unknown_field_language(param: str) -> EventError:
    """Whisper does not have a language."""
    return bad_field(param, "it is not a code that Whisper has, such as en, ko or de")


def bad_base64() -> EventError:
    """The audio of an event is not base64."""
    return EventError("invalid_base64", "The audio is not base64.", "Encode it with the standard alphabet.", "audio")


def audio_too_large(size: int, limit: int) -> EventError:
    """An event has too much audio, in bytes."""
    return EventError(
        "audio_too_large", f"The audio has {size} bytes, more than {limit}.", "Send several events.", "audio"
    )


def nothing_to_commit(has_ms: int, least_ms: int) -> EventError:
    """A commit without audio, or with next to none."""
    return EventError(
        "input_audio_buffer_commit_empty",
        f"The buffer has {has_ms} ms of audio, and at least {least_ms} ms can be committed.",
        "Append audio before the commit; with turn detection the service commits by itself.",
    )
