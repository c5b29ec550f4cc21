"""Errors of a binary message."""

from wire.errors import AudioError, ProtocolError


def empty_audio() -> ProtocolError:
    """A binary message has no samples."""
    return ProtocolError("empty_audio", "Received an empty binary message.", "Send Int16 samples, or nothing.")


def odd_audio(size: int) -> ProtocolError:
    """A binary message has half a sample."""
    return ProtocolError(
        "odd_audio",
        f"Received a binary message of {size} bytes; Int16 samples have two bytes each. It was ignored.",
        "Send whole Int16 little-endian samples, mono.",
    )


def odd_frames(size: int) -> ProtocolError:
    """A binary message of a stereo input ends between the channels."""
    return ProtocolError(
        "odd_audio",
        f"Received a binary message of {size} bytes; two channels have four bytes for each moment. It was ignored.",
        "Send whole Int16 little-endian samples, interleaved: left, right, left, right.",
    )


def unsupported_audio(found: str, sample_rate: int) -> AudioError:
    """The audio is something else than 16-bit PCM; ``found`` is what it looks like."""
    return AudioError(
        "unsupported_audio",
        f"The audio is no 16-bit PCM; it looks like {found}.",
        f"Send samples without a header: 16-bit little-endian PCM, mono, {sample_rate} Hz (the sample_rate of start).",
    )
