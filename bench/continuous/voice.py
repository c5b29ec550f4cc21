"""Finds the voice in clean clips, for the times of the reference, independent of the endpointer that is measured."""

from functools import cache
from typing import Any

import numpy as np
import torch

from bench.continuous.streams import Span, voice_rms
from stt_worker.engines.torch_threads import torch_threads
from wire.audio import SAMPLE_RATE, Samples

FRAME = SAMPLE_RATE // 100
"""10 ms."""
RANGE_DB = 30.0
"""Frames that are quieter than the clip's voice by this are no voice at the ends of a stretch."""
SHORTEST_MS = 90
"""Shortest stretch of voice; as ``min_speech_ms`` of the gateway."""


def find_voice(audio: Samples) -> list[Span]:
    """Return the stretches of voice between pauses of at least 100 ms.

    They are those of Silero's own rule, without what is too quiet at either end: Silero finds the end of a word 0.03 s
    late on average, up to 0.1 s.
    """
    from silero_vad import get_speech_timestamps_sequence

    found = get_speech_timestamps_sequence(audio, _silero(), min_speech_duration_ms=SHORTEST_MS, speech_pad_ms=0)
    spans = [(int(each["start"]), min(int(each["end"]), len(audio))) for each in found]
    least = voice_rms(audio, spans) * 10 ** (-RANGE_DB / 20) if spans else 0.0
    return [_without_quiet_ends(audio, span, least) for span in spans]


def _without_quiet_ends(audio: Samples, span: Span, least_rms: float) -> Span:
    """Return the stretch from the first to the last 10 ms that are loud enough; the same one if none are."""
    begin, end = span
    frames = audio[begin : begin + (end - begin) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.flatnonzero(np.mean(np.square(frames), axis=1) >= least_rms**2)
    return (begin + int(loud[0]) * FRAME, begin + (int(loud[-1]) + 1) * FRAME) if len(loud) else span


@cache
def _silero() -> Any:
    with torch_threads(torch.get_num_threads()):  # importing silero_vad sets torch to one thread
        from silero_vad import load_silero_vad
    return load_silero_vad(onnx=True, sequence=True)
