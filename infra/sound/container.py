"""Containers that libsndfile does not read, such as MP4, WebM or AMR, to PCM: Int16, 16 kHz, mono, with FFmpeg.

What is opened is the file that is given and nothing else: the demuxer is chosen by the file's first bytes and not by
probing, so that a playlist is no file of a kind that is read here; no protocol is allowed; and decoders are those of
sound. Video and subtitles are passed over.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.stream import Discard

from infra.sound import container_kinds
from infra.sound.mono import MonoStream
from wire.audio import Pcm, Samples
from wire.errors import AudioError

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
"""Hertz; a rate beyond these means a damaged header."""
_MOST_CHANNELS = 64
_NEARLY = 0.95
"""Part of the sound that must come: the length of some files is an estimate."""
_SLACK_S = 2.0
"""Seconds of it that may be missing in any case."""
_MOST_DAMAGED = 100
"""Packets that cannot be decoded before the file counts as damaged."""
_CONVERT = "Convert it, for example: ffmpeg -i INPUT -ac 1 -ar 16000 -c:a pcm_s16le OUTPUT.wav"


class ContainerFile:
    """One sound in a container. No more than a packet of it is in memory."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        """Open the file.

        Args:
            file: can be read and searched.
            kind: as ``container_kinds.demuxer`` returns it.

        Raises:
            AudioError: it is damaged, holds no sound, or sound that is not decoded here.
        """
        file.seek(0)
        self._kind = kind
        options = {
            "protocol_whitelist": "none",
            "codec_whitelist": ",".join(container_kinds.CODECS),
            "format_whitelist": container_kinds.family(kind),
        }
        try:
            self._container = av.open(file, "r", format=kind, options=options, metadata_errors="ignore")
        except (av.FFmpegError, ValueError) as error:
            raise self._damaged(_reason(error)) from None
        if not self._container.streams.audio:
            self._container.close()
            raise AudioError("no_sound", "This file holds no sound.", "Give a file with at least one track of sound.")
        self._stream = self._container.streams.audio[0]
        codec = self._stream.codec_context
        if codec is None or codec.name not in container_kinds.CODECS:  # FFmpeg's own list holds while it probes only
            self._container.close()
            raise self._damaged(f"the codec {codec.name if codec else 'is unknown'}")
        codec.thread_type = "NONE"
        for stream in self._container.streams:
            if stream.index != self._stream.index:
                stream.discard = Discard.all

    @property
    def seconds(self) -> float | None:
        """Duration as the file says it; None if it does not."""
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None

    def blocks(self) -> Iterator[Pcm]:
        """Yield the samples. A file without its end is read as far as it goes.

        Raises:
            AudioError: it breaks off, is damaged, or holds no samples.
        """
        says, taken_s = self.seconds, 0.0
        mono: MonoStream | None = None
        shape: tuple[int, int] | None = None
        with closing(self._container):
            for samples, rate in self._frames():
                if mono is None or shape != (rate, samples.shape[1]):
                    if mono is not None:
                        yield mono.end()
                    shape = (rate, samples.shape[1])
                    mono = MonoStream(*shape)
                taken_s += len(samples) / rate
                yield mono.push(samples)
        if mono is None:
            raise self._damaged("no sound can be decoded")
        yield mono.end()
        if says is not None and taken_s < _NEARLY * says - _SLACK_S:
            raise AudioError(
                "file_truncated",
                f"This file breaks off after {taken_s:.1f} s; it says that it has {says:.1f} s.",
                "Copy it again from where it comes from.",
            )

    def _frames(self) -> Iterator[tuple[Samples, int]]:
        """Yield samples in −1…1 of the shape (samples, channels), with their rate in hertz."""
        damaged = 0
        resampler: AudioResampler | None = None
        shape: Any = None
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                damaged += 1
                if damaged > _MOST_DAMAGED or isinstance(error, MemoryError):
                    raise self._damaged(_reason(error)) from None
                continue
            for frame in frames:
                assert isinstance(frame, AudioFrame)
                self._check(frame)
                if resampler is None or shape != (frame.rate, frame.layout.name, frame.format.name):
                    shape = (frame.rate, frame.layout.name, frame.format.name)
                    resampler = AudioResampler(format="flt", layout=frame.layout, rate=frame.rate)
                channels = frame.layout.nb_channels
                for part in resampler.resample(frame):
                    yield np.asarray(part.to_ndarray(), dtype=np.float32).reshape(-1, channels), frame.rate

    def _check(self, frame: AudioFrame) -> None:
        if not (_LOWEST_RATE <= frame.rate <= _HIGHEST_RATE and 0 < frame.layout.nb_channels <= _MOST_CHANNELS):
            raise self._damaged(f"{frame.layout.nb_channels} channels, {frame.rate} Hz")

    def _damaged(self, reason: str) -> AudioError:
        name = container_kinds.NAMES.get(self._kind, "a file")
        return AudioError(
            "not_wav", f"This is {name} that is damaged, or holds no sound read here ({reason}).", _CONVERT
        )

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError as error:
            raise self._damaged(_reason(error)) from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
