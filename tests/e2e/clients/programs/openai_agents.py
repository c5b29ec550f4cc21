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


def pieces(file: str, silence_s: float) -> tuple[list[bytes], int]:
    """A WAV file in pieces, with silence behind, and its rate."""
    with wave.open(file) as clip:
        rate, data = clip.getframerate(), clip.readframes(clip.getnframes())
    data += bytes(int(silence_s * rate) * 2)
    size = int(CHUNK_S * rate) * 2
    return [data[at : at + size] for at in range(0, len(data), size)], rate


async def livekit(url: str, files: list[str], options: dict[str, Any], key: str = "any") -> list[dict[str, Any]]:
    """Push files into one stream; returns its events up to a final text for each."""
    async with http_context.open():
        stt = openai.STT(base_url=f"{url}/v1", api_key=key, use_realtime=True, **options)
        async with stt.stream(conn_options=APIConnectOptions(max_retry=0)) as stream, asyncio.timeout(60):
            pushing = asyncio.create_task(push(stream, files))
            try:
                return await events_of(stream, len(files))
            finally:
                pushing.cancel()
                await stt.aclose()


async def push(stream: Any, files: list[str]) -> None:
    """Push files in real time."""
    for file in files:
        audio, rate = pieces(file, SILENCE_S)
        for piece in audio:
            stream.push_frame(rtc.AudioFrame(piece, rate, 1, len(piece) // 2))
            await asyncio.sleep(CHUNK_S)


async def events_of(stream: Any, finals: int) -> list[dict[str, Any]]:
    """Return the events until so many final texts and their seconds have come."""
    events: list[dict[str, Any]] = []
    async for event in stream:
        events.append(plain(event))
        if sum("audio_s" in known for known in events) == finals:
            break
    return events


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
