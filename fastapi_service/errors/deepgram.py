"""Errors of ``/v1/listen``."""

from wire.errors import AudioError, ProtocolError


def bad_parameter(name: str, reason: str) -> ProtocolError:
    """A query parameter has a value that Deepgram or this server does not have; it is not repeated."""
    return ProtocolError(
        "bad_parameter", f"Invalid query string: {name + ': ' if name else ''}{reason}.", "See docs/doors.md."
    )


def no_command() -> ProtocolError:
    """A text message is no JSON object with a known type."""
    return ProtocolError(
        "unknown_message",
        "A text message must be a JSON object whose type is KeepAlive, Finalize, CloseStream or Configure.",
        "Send audio as binary messages.",
    )


def no_audio_header() -> AudioError:
    """Audio without ``encoding`` does not begin with the header of a WAV file."""
    return AudioError(
        "unsupported_audio",
        "The audio has no header that this server reads, and no encoding was given.",
        "Send encoding and sample_rate with raw audio (linear16, mulaw, alaw), or a WAV stream.",
    )


def other_audio_header(rate: int, channels: int) -> AudioError:
    """The header of a WAV stream says something else than the query; ``rate`` is in hertz."""
    return AudioError(
        "unsupported_audio",
        f"The audio begins with the header of a WAV file with {rate} Hz and {channels} channels, unlike the query.",
        "Send the samples only, or sample_rate and channels as in the header, or no encoding.",
    )


def damaged_audio() -> AudioError:
    """Compressed audio cannot be decoded, or a message has more than a minute of it."""
    return AudioError(
        "unsupported_audio",
        "The audio cannot be decoded as Opus, or a message has more than a minute of it.",
        "Send Opus in Ogg, or one Opus packet in each message.",
    )
