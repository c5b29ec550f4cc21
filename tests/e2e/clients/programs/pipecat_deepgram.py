"""Pipecat's Deepgram service, in a pipeline of its own."""

import wave
from typing import Any

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.tests.utils import SleepFrame, run_test
from serve import serve

CHUNK_S = 0.05
SLOWLY = 0.5
"""Seconds of a file that are sent each second: what happens during speech then happens on a busy machine too."""


def spoken(file: str) -> list[Frame]:
    """A WAV file as frames."""
    with wave.open(file) as clip:
        rate, data = clip.getframerate(), clip.readframes(clip.getnframes())
    size = int(CHUNK_S * rate) * 2
    frames: list[Frame] = []
    for at in range(0, len(data), size):
        frames += [InputAudioRawFrame(data[at : at + size], rate, 1), SleepFrame(CHUNK_S / SLOWLY)]
    return frames


async def transcribe(
    url: str, file: str, settings: dict[str, Any], key: str = "any", *, stops: bool = False, wait_s: float = 10.0
) -> dict[str, Any]:
    """Run a file through a pipeline; ``stops``: the pipeline's own voice detection finds the end of speech."""
    stt = DeepgramSTTService(api_key=key, base_url=url, settings=DeepgramSTTService.Settings(**settings))
    frames = spoken(file)
    if stops:
        frames = [VADUserStartedSpeakingFrame(), *frames, VADUserStoppedSpeakingFrame(stop_secs=0.2)]
    down, up = await run_test(stt, frames_to_send=[*frames, SleepFrame(wait_s)], start_timeout=10.0)
    texts = [frame for frame in down if isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame)]
    return {
        "texts": [{"kind": type(frame).__name__, "text": frame.text, "finalized": finalized(frame)} for frame in texts],
        "results": [frame.result.dict() for frame in texts],
        "errors": [frame.error for frame in up if isinstance(frame, ErrorFrame)],
    }


def finalized(frame: Frame) -> bool:
    """True for a text that a command of the pipeline ended."""
    return bool(getattr(frame, "finalized", False))


if __name__ == "__main__":
    serve(transcribe)
