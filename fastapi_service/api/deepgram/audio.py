"""A stream in one of Deepgram's encodings → Int16 PCM, whatever pieces it comes in."""

from collections.abc import Callable, Iterator

import numpy as np

from fastapi_service import errors
from infra.sound.g711 import decode_alaw, decode_mulaw
from infra.sound.mono import Downmix
from infra.sound.wav_header import is_wav
from infra.sound.wav_stream import WavStream
from wire.audio import SAMPLE_BYTES, Pcm, decode_pcm, encode_pcm, to_float, to_int16

_DECODERS: dict[str, tuple[int, Callable[[bytes], Pcm]]] = {
    "linear16": (SAMPLE_BYTES, decode_pcm),
    "mulaw": (1, decode_mulaw),
    "alaw": (1, decode_alaw),
}
"""Encoding → bytes of a sample, and its decoder."""


_NOTHING: Pcm = np.zeros(0, dtype=np.int16)
_HEAD = 12
"""Bytes that show a WAV header."""


class _Samples:
    """Samples in pieces of any length: one may end within a moment of all channels."""

    def __init__(self, encoding: str, channels: int) -> None:
        width, self._decode = _DECODERS[encoding]
        self._block = width * channels
        self._rest = b""

    def feed(self, data: bytes) -> Pcm:
        """Decode what is whole, all channels interleaved."""
        data = self._rest + data
        whole = len(data) - len(data) % self._block
        self._rest = data[whole:]
        return self._decode(data[:whole])


class HeaderedStream:
    """Samples behind the header of a WAV file, which says how they are coded."""

    def __init__(self) -> None:
        self._header = WavStream()
        self._samples: _Samples | None = None
        self.rate = 0
        """Hertz; 0 until the header has come."""
        self.channels = 0

    def feed(self, data: bytes) -> Pcm:
        """Decode the next bytes; two channels are interleaved.

        Raises:
            AudioError: there is no header, or one of an encoding that is not taken.
        """
        if self._samples is None:
            try:
                form = self._header.feed(data)
            except ValueError as error:
                raise errors.no_audio_header() from error
            if form is None:
                return _NOTHING
            self.rate, self.channels = form.rate, form.channels
            self._samples, data = _Samples(form.encoding, form.channels), self._header.rest
        return self._samples.feed(data)


class RawStream:
    """Samples as the query says they are. Before them may be the header of a WAV file, which is passed over."""

    def __init__(self, encoding: str, channels: int, rate: int) -> None:
        """Begin a stream.

        Args:
            encoding: one of ``linear16``, ``mulaw`` and ``alaw``.
            channels: 1 or 2.
            rate: hertz.
        """
        self._form = (rate, channels)
        self._stream: _Samples | HeaderedStream = _Samples(encoding, channels)
        self._head: bytes | None = b""
        """The first bytes; None once it is known what they are."""

    def feed(self, data: bytes) -> Pcm:
        """Decode the next bytes; two channels are interleaved.

        Raises:
            AudioError: there is a header that says something else.
        """
        if self._head is not None:
            data = self._head + data
            if len(data) < _HEAD and b"RIFF".startswith(data[:4]):
                self._head = data
                return _NOTHING
            self._head = None
            if is_wav(data):
                self._stream = HeaderedStream()
        pcm = self._stream.feed(data)
        if isinstance(self._stream, HeaderedStream) and self._stream.rate:
            found = (self._stream.rate, self._stream.channels)
            if found != self._form:
                raise errors.other_audio_header(*found)
        return pcm


class PacketStream:
    """Opus, raw or in Ogg."""

    def __init__(self, channels: int, rate: int) -> None:
        """Begin a stream.

        Args:
            channels: 1 or 2.
            rate: hertz, of the samples that come out.
        """
        from infra.sound.opus_stream import OpusStream  # FFmpeg's libraries: loaded with the first such stream

        self._stream = OpusStream(rate, channels)

    def decoded(self, data: bytes) -> Iterator[Pcm]:
        """Decode the next bytes, about a second with each step; two channels are interleaved.

        Raises:
            AudioError: they cannot be decoded.
        """
        try:
            yield from self._stream.feed(data)
        except ValueError as error:
            raise errors.damaged_audio() from error


class OneTalker:
    """Mixes two channels into one, as Deepgram does without ``multichannel``."""

    def __init__(self, rate: int) -> None:
        """``rate`` is in hertz."""
        self._mix = Downmix(rate, 2)

    def feed(self, pcm: Pcm) -> Pcm:
        """Mix whole interleaved samples."""
        return to_int16(self._mix.mix(to_float(pcm.reshape(-1, 2)))) if len(pcm) else pcm


def pieces(pcm: Pcm, longest: int) -> list[bytes]:
    """Return audio in messages of at most ``longest`` bytes, a multiple of four."""
    data = encode_pcm(pcm)
    return [data[at : at + longest] for at in range(0, len(data), longest)]
