"""Speech-like sound as Opus in Ogg."""

import io
from functools import cache

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from wire.audio import SAMPLE_RATE

SECONDS = 3
TONE = (9_000 * np.sin(2 * np.pi * 440 * np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE)).astype(np.int16)


@cache
def in_ogg() -> bytes:
    """The tone as a file."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        frame = AudioFrame.from_ndarray(TONE.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return file.getvalue()
