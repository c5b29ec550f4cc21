"""Headers of WAV streams."""

import struct


def header(tag: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16, before: bytes = b"") -> bytes:
    """A header as programs that write to a pipe make it: with no length."""
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    chunks = before + struct.pack("<4sI", b"fmt ", len(form)) + form + struct.pack("<4sI", b"data", 0xFFFF_FFFF)
    return b"RIFF" + struct.pack("<I", 0xFFFF_FFFF) + b"WAVE" + chunks
