"""Sound in containers, written with FFmpeg's libraries."""

import io
from collections.abc import Mapping

import av
import numpy as np

from wire.audio import SAMPLE_RATE, decode_pcm

CODECS: Mapping[str, tuple[str, str, int]] = {
    "mp4": ("mp4", "aac", 44_100),
    "m4a": ("ipod", "aac", 16_000),
    "3gp": ("3gp", "aac", 16_000),
    "mov": ("mov", "aac", 48_000),
    "webm": ("webm", "libopus", 48_000),
    "mkv": ("matroska", "aac", 44_100),
    "aac": ("adts", "aac", 44_100),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "wma": ("asf", "wmav2", 44_100),
    "ts": ("mpegts", "aac", 48_000),
    "avi": ("avi", "mp3", 44_100),
    "flv": ("flv", "aac", 44_100),
    "ac3": ("ac3", "ac3", 48_000),
}
"""Ending → FFmpeg's container, encoder and rate in hertz."""


def packed(pcm: bytes, kind: str, layout: str = "mono", *, video: bool = False) -> bytes:
    """Return Int16 PCM, 16 kHz, mono, as a file of a kind of ``CODECS``."""
    form, codec, rate = CODECS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        sound = container.add_stream(codec, rate=rate)
        assert isinstance(sound, av.AudioStream)
        sound.layout = layout
        if codec == "wmav2":
            sound.bit_rate = 64_000
        picture = container.add_stream("mpeg4", rate=10) if video else None
        if isinstance(picture, av.VideoStream):
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        frame = av.AudioFrame.from_ndarray(decode_pcm(pcm).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        resampler = av.AudioResampler(
            format=sound.format, layout=layout, rate=rate, frame_size=sound.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
        if isinstance(picture, av.VideoStream):
            for number in range(10):
                still = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number * 20, dtype=np.uint8), format="rgb24")
                still.pts = number
                container.mux(picture.encode(still))
            container.mux(picture.encode(None))
    return file.getvalue()
