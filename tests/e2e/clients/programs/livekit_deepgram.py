"""The Deepgram plug-in of LiveKit's voice agents."""

import asyncio
import wave
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEvent
from livekit.plugins import deepgram
from serve import serve

CHUNK_S = 0.05


def frames(file: str) -> list[rtc.AudioFrame]:
    """A WAV file in pieces."""
    with wave.open(file) as clip:
        rate, data = clip.getframerate(), clip.readframes(clip.getnframes())
    size = int(CHUNK_S * rate) * 2
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [rtc.AudioFrame(piece, rate, 1, len(piece) // 2) for piece in pieces]


async def transcribe(
    url: str, files: list[str], options: dict[str, Any], key: str = "any", *, flush: bool = False, speed: float = 1.0
) -> list[dict[str, Any]]:
    """Push files into one stream, with a flush after each or not; returns its events."""
    async with aiohttp.ClientSession() as session:
        stt = deepgram.STT(base_url=f"{url}/v1/listen", api_key=key, http_session=session, **options)
        stream = stt.stream(conn_options=APIConnectOptions(max_retry=0))
        events: list[SpeechEvent] = []

        async def push() -> None:
            for file in files:
                for frame in frames(file):
                    stream.push_frame(frame)
                    await asyncio.sleep(CHUNK_S / speed)
                if flush:
                    stream.flush()
            stream.end_input()

        pushing = asyncio.create_task(push())
        async with asyncio.timeout(60):
            events += [event async for event in stream]
        await pushing
        await stream.aclose()
    return [plain(event) for event in events]


def plain(event: SpeechEvent) -> dict[str, Any]:
    """An event as plain data."""
    found: dict[str, Any] = {"type": event.type.value, "request_id": event.request_id}
    for best in event.alternatives[:1]:
        found |= {"text": best.text, "language": str(best.language), "confidence": best.confidence}
        found |= {"start": best.start_time, "end": best.end_time, "speaker": best.speaker_id}
        found["words"] = [[str(word), word.start_time, word.end_time] for word in best.words or []]
    return found


if __name__ == "__main__":
    serve(transcribe)
