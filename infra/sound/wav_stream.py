"""The header of a WAV stream, which comes in pieces and without an end: what a microphone program writes to a pipe."""

import struct
from dataclasses import dataclass

_LONGEST = 1 << 16
"""Bytes among which the samples must begin."""
_ENCODINGS = {(0x0001, 16): "linear16", (0x0006, 8): "alaw", (0x0007, 8): "mulaw"}
"""Format tag and bits of a sample → name."""
_EXTENSIBLE = 0xFFFE
_RATES = range(8_000, 48_001)
_CHANNELS = (1, 2)


@dataclass(frozen=True, slots=True)
class WavForm:
    """The coding of the samples."""

    encoding: str
    """``linear16``, ``alaw`` or ``mulaw``."""
    rate: int
    """Hertz, 8,000–48,000."""
    channels: int
    """1 or 2."""


class WavStream:
    """Takes bytes until the header is whole."""

    def __init__(self) -> None:
        self.rest = b""
        """Once the header has come, the samples that came with it."""
        self._at = 12
        """Place of the next chunk."""
        self._form: WavForm | None = None

    def feed(self, data: bytes) -> WavForm | None:
        """Take in bytes; returns the form once the samples begin.

        Raises:
            ValueError: this is no WAV stream, or one of samples that are not taken.
        """
        self.rest += data
        head = self.rest[:12]
        if not (b"RIFF".startswith(head[:4]) or head[:4] == b"RIFF") or not b"WAVE".startswith(head[8:12]):
            raise ValueError("no WAV stream")
        while self._at + 8 <= len(self.rest):
            name, size = struct.unpack_from("<4sI", self.rest, self._at)
            content = self._at + 8
            if name == b"data":
                if self._form is None:
                    raise ValueError("samples without a format")
                self.rest = self.rest[content:]
                return self._form
            if name == b"fmt ":
                if content + size > len(self.rest):
                    break
                self._form = _form(self.rest[content : content + size])
            self._at = content + size + size % 2
        if len(self.rest) > _LONGEST:
            raise ValueError("the samples do not begin")
        return None


def _form(content: bytes) -> WavForm:
    if len(content) < 16:
        raise ValueError("the format is cut off")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content)
    if tag == _EXTENSIBLE and len(content) >= 26:
        (tag,) = struct.unpack_from("<H", content, 24)
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None or rate not in _RATES or channels not in _CHANNELS:
        raise ValueError("samples of another kind")
    return WavForm(encoding, rate, channels)
