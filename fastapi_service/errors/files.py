"""Errors of a file that is decoded."""

from wire.errors import AudioError, ProtocolError, StoreError

_CONVERT = "Convert it to WAV, FLAC or MP3, and choose that file."


def recording_too_long(limit_s: int) -> AudioError:
    """A file has more audio than one session takes."""
    return AudioError("too_long", f"The recording is longer than {limit_s // 3600} hours.", "Cut it into parts.")


def file_too_large(limit: int) -> AudioError:
    """A file has more bytes than it may."""
    message = f"The file is larger than {limit / 1e6:g} MB."
    return AudioError("too_large", message, "Cut it into parts, or convert it to a smaller format.")


def line_too_slow(rate: int) -> AudioError:
    """The parts of a file come too slowly, or its sound is read too slowly; ``rate`` is in bytes per second."""
    message = f"The file goes over the line with less than {rate * 8 / 1e6:g} Mbit/s, or the line has stalled."
    return AudioError("decoder_slow", message, "Try again on a better line, or convert the file to a smaller format.")


def recording_squeezed() -> AudioError:
    """A file has far more sound than its size allows, so it is made to take the service's time."""
    return AudioError("too_long", "The file has more sound than one of its size can hold.", _CONVERT)


def decoder_memory() -> AudioError:
    """A decoder has reached its limit."""
    return AudioError("decoder_memory", "The file takes more memory to decode than it may.", _CONVERT)


def decoder_crashed() -> AudioError:
    """A decoder ended without an answer: by a damaged file, or by its limit of processor time."""
    return AudioError("decoder_failed", "The file cannot be decoded: its decoder broke off.", _CONVERT)


def decoder_hangs() -> AudioError:
    """A decoder takes too long for a second of audio."""
    return AudioError("decoder_slow", "The file takes more time to decode than it may.", _CONVERT)


def decoder_says(code: str, message: str, remedy: str) -> AudioError:
    """A decoder has refused a file."""
    return AudioError(code, message, remedy)


def decoders_busy() -> StoreError:
    """The client's address has a file here already, or all places are taken."""
    message = "A file from this address, or too many files, are being decoded at the moment."
    return StoreError("decoders_busy", message, "Try again in a few seconds.")


def no_file() -> ProtocolError:
    """The first message on ``/decode`` is another one."""
    return ProtocolError("bad_message", 'The first message must be {"type":"open","size":…}.', "See docs/protocol.md.")


def wrong_part() -> ProtocolError:
    """A client does not send the part of a file that was requested."""
    return ProtocolError("wrong_part", "The requested part of the file did not come.", "Choose the file again.")
