"""The audio of a session: from the base64 of an event to PCM."""

import base64
from collections.abc import Iterator
from typing import Literal

from fastapi_service.endpointing.resampler import StreamResampler
from fastapi_service.errors import realtime as errors
from infra.sound import g711
from wire.audio import SAMPLE_BYTES, encode_pcm

RATE = 24_000
"""Hertz of PCM, and of the session: telephone speech becomes that, so that the format may change at any time."""
MAX_BYTES = 15 << 20
"""PCM in one event, five minutes and a half; of telephone speech as many seconds."""
PIECE = RATE * SAMPLE_BYTES * 10
"""Bytes of PCM, ten seconds: as much is taken in at once."""
Format = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
_COMPANDED = RATE * SAMPLE_BYTES // g711.RATE
"""Bytes of PCM for one of telephone speech."""
_LAWS = {"audio/pcmu": g711.decode_mulaw, "audio/pcma": g711.decode_alaw}


class InputAudio:
    """The bytes of a client, in order. They are a stream: an event may end inside of a sample."""

    def __init__(self) -> None:
        """Begin with PCM."""
        self._format: Format = "audio/pcm"
        self._half = b""
        """First byte of a sample whose second one is to come."""
        self._resampler = StreamResampler(g711.RATE, RATE)
        self.samples = 0
        """Samples at ``RATE`` since the last commit, or the last clear."""

    @property
    def ms(self) -> int:
        """Milliseconds since the last commit, or the last clear."""
        return self.samples * 1000 // RATE

    def append(self, encoded: str) -> Iterator[bytes]:
        """Return the PCM of an event, in pieces of at most ``PIECE`` bytes; each is decoded when it is taken.

        Raises:
            EventError: it is not base64, or too much.
        """
        try:
            data = base64.b64decode(encoded, validate=True)
        except ValueError as error:  # binascii.Error is one; the other is text that is not ASCII
            raise errors.bad_base64() from error
        law = _LAWS.get(self._format)
        limit = MAX_BYTES if law is None else MAX_BYTES // _COMPANDED
        if len(data) > limit:
            raise errors.audio_too_large(len(data), limit)
        if law is None:
            data = self._whole(data)
            self.samples += len(data) // SAMPLE_BYTES
            return _cut(data, PIECE)
        self.samples += len(data) * RATE // g711.RATE
        return (encode_pcm(self._resampler.feed(law(piece))) for piece in _cut(data, PIECE // _COMPANDED))

    def commit(self) -> list[bytes]:
        """Return what is left of the audio so far; what comes is a new stream."""
        rest = encode_pcm(self._resampler.flush())
        self._half, self.samples = b"", 0
        return [rest] if rest else []

    def change(self, wanted: Format) -> list[bytes]:
        """Take in another format from now on; returns what is left of the audio before."""
        if wanted == self._format:
            return []
        rest, self._format, self._half = encode_pcm(self._resampler.flush()), wanted, b""
        return [rest] if rest else []

    def _whole(self, data: bytes) -> bytes:
        """Return the whole samples; half a sample waits for the next event."""
        data = self._half + data
        end = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._half = data[end:]
        return data[:end]


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
