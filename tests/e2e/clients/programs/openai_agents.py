"""Voice-agent frameworks with OpenAI Realtime as their speech to text: LiveKit's plug-in and Pipecat's service."""

import asyncio
import wave
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEvent
from livekit.agents.utils import http_context
from livekit.plugins import openai
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat.tests.utils import SleepFrame, run_test
from serve import serve

CHUNK_S = 0.05
SILENCE_S = 1.5
LATE_S = 3.0
"""A text that comes later is missing."""


def pieces(file: str, silence_s: float) -> tuple[list[bytes], int]:
    """A WAV file in pieces, with silence behind, and its rate."""
    with wave.open(file) as clip:
        rate, data = clip.getframerate(), clip.readframes(clip.getnframes())
    data += bytes(int(silence_s * rate) * 2)
    size = int(CHUNK_S * rate) * 2
    return [data[at : at + size] for at in range(0, len(data), size)], rate


async def livekit(url: str, files: list[str], options: dict[str, Any], key: str = "any") -> list[dict[str, Any]]:
    """Push files into one stream; returns its events."""
    events: list[SpeechEvent] = []
    async with http_context.open():
        stt = openai.STT(base_url=f"{url}/v1", api_key=key, use_realtime=True, **options)
        async with stt.stream(conn_options=APIConnectOptions(max_retry=0)) as stream:
            collecting = asyncio.create_task(collect(stream, events))
            pushing = asyncio.create_task(push(stream, files))
            await asyncio.wait({collecting, pushing}, return_when=asyncio.FIRST_COMPLETED)
            pushing.cancel()
            if collecting.done():
                await collecting  # it ended too early, with an exception
            collecting.cancel()
        await stt.aclose()
    return [plain(event) for event in events]


async def collect(stream: Any, events: list[SpeechEvent]) -> None:
    """Keep each event at once, for this is cancelled."""
    async for event in stream:
        events.append(event)  # noqa: PERF401


async def push(stream: Any, files: list[str]) -> None:
    """Push files in real time, and wait for the last texts."""
    for file in files:
        audio, rate = pieces(file, SILENCE_S)
        for piece in audio:
            stream.push_frame(rtc.AudioFrame(piece, rate, 1, len(piece) // 2))
            await asyncio.sleep(CHUNK_S)
    await asyncio.sleep(LATE_S)


def plain(event: SpeechEvent) -> dict[str, Any]:
    """An event as plain data."""
    found: dict[str, Any] = {"type": event.type.value, "request_id": event.request_id}
    for best in event.alternatives[:1]:
        found |= {"text": best.text, "language": str(best.language)}
    if event.recognition_usage is not None:
        found["audio_s"] = event.recognition_usage.audio_duration
    return found


async def pipecat(
    url: str, file: str, options: dict[str, Any], key: str = "any", *, stops: bool = False, wait_s: float = 3.0
) -> dict[str, Any]:
    """Run a file through a pipeline; ``stops``: the pipeline's own voice detection finds the end of speech."""
    address = url.replace("http", "ws", 1) + "/v1/realtime"
    stt = OpenAIRealtimeSTTService(api_key=key, base_url=address, **options)
    audio, rate = pieces(file, 0.0 if stops else SILENCE_S)
    frames: list[Frame] = [SleepFrame(0.5)]
    for piece in audio:
        frames += [InputAudioRawFrame(piece, rate, 1), SleepFrame(CHUNK_S)]
    if stops:
        frames = [VADUserStartedSpeakingFrame(), *frames, VADUserStoppedSpeakingFrame(stop_secs=0.2)]
    down, up = await run_test(stt, frames_to_send=[*frames, SleepFrame(wait_s)], start_timeout=10.0)
    texts = [frame for frame in down if isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame)]
    return {
        "texts": [{"kind": type(frame).__name__, "text": frame.text} for frame in texts],
        "errors": [frame.error for frame in up if isinstance(frame, ErrorFrame)],
    }


if __name__ == "__main__":
    serve(livekit, pipecat)
