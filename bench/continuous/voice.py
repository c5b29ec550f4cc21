"""Finds the voice in clean clips, for the times of the reference, independent of the endpointer that is measured."""

from functools import cache
from typing import Any

import torch

from bench.continuous.streams import Span
from stt_worker.engines.torch_threads import torch_threads
from wire.audio import Samples

SHORTEST_MS = 90
"""Shortest stretch of voice; as ``min_speech_ms`` of the gateway."""


def find_voice(audio: Samples) -> list[Span]:
    """Return the stretches of voice between pauses of at least 100 ms, by Silero's own rule."""
    from silero_vad import get_speech_timestamps_sequence

    found = get_speech_timestamps_sequence(audio, _silero(), min_speech_duration_ms=SHORTEST_MS, speech_pad_ms=0)
    return [(each["start"], min(each["end"], len(audio))) for each in found]


@cache
def _silero() -> Any:
    with torch_threads(torch.get_num_threads()):  # importing silero_vad sets torch to one thread
        from silero_vad import load_silero_vad
    return load_silero_vad(onnx=True, sequence=True)
