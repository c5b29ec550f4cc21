"""Deepgram's own Python SDK."""

import asyncio
import io
import threading
import wave
from pathlib import Path
from typing import Any

import av
from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from serve import serve

CHUNK_S = 0.1
Step = dict[str, Any]


def environment(url: str) -> DeepgramClientEnvironment:
    """As the SDK's documentation has it for servers of one's own."""
    ws = url.replace("http", "ws", 1)
    return DeepgramClientEnvironment(base=url, production=ws, agent=ws, agent_rest=url)


def samples(file: str) -> tuple[bytes, int]:
    """PCM of a WAV file, and the bytes of a second."""
    with wave.open(file) as clip:
        return clip.readframes(clip.getnframes()), clip.getframerate() * clip.getsampwidth() * clip.getnchannels()


def in_ogg(file: str) -> bytes:
    """A WAV file as Opus in Ogg."""
    out = io.BytesIO()
    with av.open(file) as clip, av.open(out, "w", format="ogg") as ogg:
        stream = ogg.add_stream("libopus", rate=48_000)
        for frame in clip.decode(audio=0):
            ogg.mux(stream.encode(frame))
        ogg.mux(stream.encode(None))
    return out.getvalue()


async def send(connection: Any, data: bytes, byte_rate: int, speed: float) -> None:
    """Send audio so many times faster than it was spoken; 0: at once."""
    size = int(CHUNK_S * byte_rate) // 4 * 4
    for at in range(0, len(data), size):
        await connection.send_media(data[at : at + size])
        await asyncio.sleep(CHUNK_S / speed if speed else 0)


async def take(connection: Any, step: Step, speed: float) -> None:
    """Do one step of a conversation."""
    match step:
        case {"say": file}:
            await send(connection, *samples(file), speed)
        case {"bytes": file, "byte_rate": byte_rate}:  # as it is
            await send(connection, await asyncio.to_thread(Path(file).read_bytes), byte_rate, speed)
        case {"opus": file}:
            ogg = await asyncio.to_thread(in_ogg, file)
            await send(connection, ogg, len(ogg) // 4, speed)
        case {"silence_s": seconds, "byte_rate": byte_rate}:
            await send(connection, bytes([step.get("byte", 0)]) * int(seconds * byte_rate), byte_rate, speed)
        case {"wait_s": seconds}:
            await asyncio.sleep(seconds)
        case {"finalize": True}:
            await connection.send_finalize()
        case {"keep_alive": True}:
            await connection.send_keep_alive()
        case {"configure": message}:
            await connection._send(message)
        case {"close": True}:
            await connection.send_close_stream()


async def talk(
    url: str, steps: list[Step], options: dict[str, Any], key: str = "any", speed: float = 1.0
) -> dict[str, Any]:
    """Take steps while messages come, until the server closes; returns the messages, the end, and their classes."""
    messages: list[Any] = []
    events: list[str] = []
    client = AsyncDeepgramClient(api_key=key, environment=environment(url))
    async with client.listen.v1.connect(model="nova-3", **options) as connection:
        connection.on(EventType.OPEN, lambda _: events.append("open"))
        connection.on(EventType.MESSAGE, messages.append)
        connection.on(EventType.ERROR, lambda error: events.append(f"error {error}"))
        connection.on(EventType.CLOSE, lambda _: events.append("close"))
        listening = asyncio.create_task(connection.start_listening())
        for step in steps:
            await take(connection, step, speed)
        async with asyncio.timeout(60):
            await listening
    return {
        "messages": [message.dict() for message in messages],
        "classes": sorted({type(message).__name__ for message in messages}),
        "events": events,
    }


async def talk_in_threads(url: str, file: str, options: dict[str, Any]) -> list[Any]:
    """The same with the client that blocks."""
    return await asyncio.to_thread(_blocking, url, file, options)


def _blocking(url: str, file: str, options: dict[str, Any]) -> list[Any]:
    messages: list[Any] = []
    client = DeepgramClient(api_key="any", environment=environment(url))
    with client.listen.v1.connect(model="nova-3", **options) as connection:
        connection.on(EventType.MESSAGE, messages.append)
        listening = threading.Thread(target=connection.start_listening)
        listening.start()
        data, byte_rate = samples(file)
        for at in range(0, len(data), byte_rate):
            connection.send_media(data[at : at + byte_rate])
        connection.send_close_stream()
        listening.join(60)
    return [message.dict() for message in messages]


if __name__ == "__main__":
    serve(talk, talk_in_threads)
