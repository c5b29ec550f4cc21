"""Realtime transcription with OpenAI's own Python SDK."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, OpenAI
from serve import serve

CHUNK_S = 0.1
ANSWER_S = 60.0
Step = dict[str, Any]


def client(url: str, key: str) -> AsyncOpenAI:
    """As the SDK's documentation has it for servers of one's own."""
    return AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)


class Talk:
    """One connection: takes steps while its events come."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.events: list[Any] = []
        self._news = asyncio.Event()
        self._byte_rate = 48_000

    async def listen(self) -> None:
        async for event in self._connection:
            self.events.append(event)
            self._news.set()

    async def take(self, step: Step, speed: float) -> None:
        """Do one step of a conversation."""
        buffer = self._connection.input_audio_buffer
        match step:
            case {"update": fields}:
                session = {"type": "transcription", "audio": {"input": fields}} | step.get("more", {})
                await self._connection.session.update(session=session, event_id=step.get("event_id", "update"))
                self._byte_rate = step.get("byte_rate", self._byte_rate)
            case {"say": file}:
                await self.send(await asyncio.to_thread(Path(file).read_bytes), speed)
            case {"silence_s": seconds}:
                await self.send(bytes([step.get("byte", 0)]) * int(seconds * self._byte_rate), speed)
            case {"commit": event_id}:
                await buffer.commit(event_id=event_id)
            case {"clear": event_id}:
                await buffer.clear(event_id=event_id)
            case {"raw": event}:
                await self._connection.send(event)
            case {"until": kind}:
                await self.until(kind, step.get("count", 1))

    async def send(self, data: bytes, speed: float) -> None:
        """Send audio so many times faster than it was spoken; 0: at once."""
        size = int(CHUNK_S * self._byte_rate)
        for at in range(0, len(data), size):
            piece = base64.b64encode(data[at : at + size]).decode()
            await self._connection.input_audio_buffer.append(audio=piece)
            await asyncio.sleep(CHUNK_S / speed if speed else 0)

    async def until(self, kind: str, count: int) -> None:
        """Wait for so many events of a kind, from the beginning on."""
        async with asyncio.timeout(ANSWER_S):
            while sum(event.type == kind for event in self.events) < count:
                self._news.clear()
                await self._news.wait()


async def talk(url: str, steps: list[Step], key: str = "any", speed: float = 1.0) -> dict[str, Any]:
    """Take steps, then close; returns the events and the names of their classes."""
    async with client(url, key).realtime.connect(extra_query={"intent": "transcription"}) as connection:
        conversation = Talk(connection)
        listening = asyncio.create_task(conversation.listen())
        for step in steps:
            await conversation.take(step, speed)
        await connection.close()
        async with asyncio.timeout(ANSWER_S):
            await listening
    events = conversation.events
    return {
        "events": [event.to_dict() for event in events],
        "classes": sorted({type(event).__name__ for event in events}),
    }


async def talk_at_once(url: str, talks: list[list[Step]], speed: float = 1.0) -> list[dict[str, Any]]:
    """Several connections of one client at the same time."""
    return await asyncio.gather(*(talk(url, steps, speed=speed) for steps in talks))


async def attributes(url: str, file: str) -> dict[str, Any]:
    """What a program reads from the events: the SDK's types, and what it keeps of a field that they do not have."""
    found: dict[str, Any] = {}
    async with client(url, "any").realtime.connect(extra_query={"intent": "transcription"}) as connection:
        created = await connection.recv()
        found["format"] = created.session.audio.input.format.type
        conversation = Talk(connection)
        await conversation.send(await asyncio.to_thread(Path(file).read_bytes), 0)
        await conversation.send(bytes(96_000), 0)
        async with asyncio.timeout(ANSWER_S):
            async for event in connection:
                match event.type:
                    case "input_audio_buffer.speech_started":
                        found["began"] = event.audio_start_ms
                    case "conversation.item.added":
                        found["role"] = event.item.role
                    case "conversation.item.input_audio_transcription.completed":
                        found |= {"text": event.transcript, "seconds": event.usage.seconds}
                        found |= {"languages": [one.code for one in event.languages], "extra": event.model_extra}
                        return found
    return found


async def talk_in_threads(url: str, file: str) -> str:
    """The client that blocks."""
    return await asyncio.to_thread(_blocking, url, file)


def _blocking(url: str, file: str) -> str:
    blocking = OpenAI(api_key="any", base_url=f"{url}/v1", max_retries=0)
    with blocking.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.session.update(session={"type": "transcription", "audio": {"input": {"turn_detection": None}}})
        connection.input_audio_buffer.append(audio=base64.b64encode(Path(file).read_bytes()).decode())
        connection.input_audio_buffer.commit()
        for event in connection:
            if event.type == "conversation.item.input_audio_transcription.completed":
                return str(event.transcript)
    return ""


if __name__ == "__main__":
    serve(talk, talk_at_once, attributes, talk_in_threads)
