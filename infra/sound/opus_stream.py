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
"""Seconds that the bytes of one call may decode to: a kilobyte may hold a quarter of a minute of silence."""
_LEAST_MS = 2.5
"""Milliseconds that each packet counts at least, so that there are not too many."""
_FRAME_MS = (10.0, 20.0, 40.0, 60.0) * 3 + (10.0, 20.0) * 2 + (2.5, 5.0, 10.0, 20.0) * 4
"""Milliseconds of a frame by the mode of its packet (RFC 6716, table 2): SILK, hybrid, CELT."""
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
        self._second = rate * channels
        self._damaged = 0
        self._pages: _Pages | None = None
        self._begun = False

    def feed(self, data: bytes) -> Iterator[Pcm]:
        """Decode the next message, about a second with each step; two channels are interleaved.

        Raises:
            ValueError: it cannot be decoded, or there is too much in it; then nothing of it is decoded.
        """
        if not self._begun:
            self._begun, self._pages = True, _Pages() if data[:4] == b"OggS" else None
        packets, ms = list[bytes](), 0.0
        for packet in [data] if self._pages is None else self._pages.feed(data):
            packets.append(packet)
            ms += packet_ms(packet)
            if ms > LONGEST_S * 1000:
                raise ValueError("more audio than a message may have")
        parts, total = list[Pcm](), 0
        for packet in packets:
            for samples in self._decode(packet):
                parts.append(samples)
                total += len(samples)
            if total >= self._second:
                yield np.concatenate(parts)
                parts, total = [], 0
        if parts:
            yield np.concatenate(parts)

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


def packet_ms(packet: bytes) -> float:
    """Return the milliseconds of sound in a packet, as its first bytes say it; at least 2.5, also of one that is none.

    A packet of more than 120 ms is damaged.
    """
    if not packet or packet.startswith(_HEADERS):
        return _LEAST_MS
    mode, code = packet[0] >> 3, packet[0] & 3
    frames = (packet[1] & 0x3F if len(packet) > 1 else 0) if code == 3 else 1 if code == 0 else 2
    return max(_LEAST_MS, frames * _FRAME_MS[mode])


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
