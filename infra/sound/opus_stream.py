"""Opus that comes in pieces and without an end, raw or in Ogg, with libopus.

The bytes come from a network: the audio in them is bounded, and no demuxer or parser of FFmpeg is in use.
"""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler

from wire.audio import Pcm

LONGEST_S = 60
"""Seconds that the bytes of one call may decode to: some formats hold hours of silence in a kilobyte."""
_MOST_DAMAGED = 10
"""Packets in a row that cannot be decoded before the stream counts as damaged."""
_PAGE = 27
"""Bytes of a page's header in Ogg, before its table of segments."""
_LONGEST_PACKET = 1 << 20
"""Bytes: audio has 60 KB at most; comments may hold a picture."""
_HEADERS = (b"OpusHead", b"OpusTags")


class OpusStream:
    """Opus in Ogg, or raw with one packet in each message."""

    def __init__(self, rate: int, channels: int) -> None:
        """Begin a stream; ``rate`` and ``channels`` are those of the samples that come out."""
        context = av.CodecContext.create("libopus", "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._resampler = AudioResampler("s16", "stereo" if channels == 2 else "mono", rate)
        self._limit = LONGEST_S * rate * channels
        self._damaged = 0
        self._pages: _Pages | None = None
        self._begun = False

    def feed(self, data: bytes) -> Pcm:
        """Decode the next message; two channels are interleaved.

        Raises:
            ValueError: it cannot be decoded, or there is too much in it.
        """
        if not self._begun:
            self._begun, self._pages = True, _Pages() if data[:4] == b"OggS" else None
        packets = [data] if self._pages is None else self._pages.feed(data)
        parts, total = [np.zeros(0, dtype=np.int16)], 0
        for packet in packets:
            for samples in self._decode(packet):
                parts.append(samples)
                total += len(samples)
            if total > self._limit:
                raise ValueError("more audio than a message may have")
        return np.concatenate(parts)

    def _decode(self, packet: bytes) -> Iterator[Pcm]:
        if not packet or packet.startswith(_HEADERS):
            return
        try:
            frames = self._context.decode(av.Packet(packet))
            self._damaged = 0
        except av.FFmpegError as error:
            self._damaged += 1
            if self._damaged > _MOST_DAMAGED:
                raise ValueError("packets that cannot be decoded") from error
            return
        for frame in frames:
            for converted in self._resampler.resample(frame):
                yield converted.to_ndarray().astype(np.int16, copy=False).reshape(-1)


class _Pages:
    """The packets in pages of Ogg, of the one stream that there is."""

    def __init__(self) -> None:
        self._rest = b""
        self._packet = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that are whole.

        Raises:
            ValueError: this is no page, or a packet does not end.
        """
        self._rest += data
        at = 0
        while len(self._rest) - at >= _PAGE:
            if self._rest[at : at + 4] != b"OggS":
                raise ValueError("no page of Ogg")
            begin = at + _PAGE + self._rest[at + _PAGE - 1]
            table = self._rest[at + _PAGE : begin]
            if len(self._rest) < begin + sum(table):
                break
            for size in table:
                self._packet += self._rest[begin : begin + size]
                begin += size
                if len(self._packet) > _LONGEST_PACKET:
                    raise ValueError("a packet that does not end")
                if size < 255:
                    yield bytes(self._packet)
                    self._packet.clear()
            at = begin
        self._rest = self._rest[at:]
