"""OpenAI's client with files: transcriptions, translations and models."""

import asyncio
import time
from pathlib import Path
from typing import Any

import openai
from openai import AsyncOpenAI, OpenAI
from serve import serve

WAIT_S = 120.0


def client(url: str, **options: Any) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", **{"api_key": "none", "timeout": WAIT_S} | options)


async def transcribe(url: str, file: str, **options: Any) -> Any:
    """What ``transcriptions.create`` returns: a text, or an object as a dictionary, with its class."""
    with client(url) as openai_client:
        found = openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file), **options)
        return found if isinstance(found, str) else {"class": type(found).__name__} | found.model_dump()


async def translate(url: str, file: str, **options: Any) -> Any:
    """What ``translations.create`` returns."""
    with client(url) as openai_client:
        found = openai_client.audio.translations.create(model="whisper-1", file=Path(file), **options)
        return found if isinstance(found, str) else {"class": type(found).__name__} | found.model_dump()


async def send_bytes(url: str, content: str, name: str, **options: Any) -> Any:
    """The same with a file of these bytes, in hexadecimal digits."""
    with client(url, max_retries=0) as openai_client:
        file = (name, bytes.fromhex(content))
        return openai_client.audio.transcriptions.create(model="whisper-1", file=file, **options).model_dump()


async def stream(url: str, file: str, **options: Any) -> list[dict[str, Any]]:
    """The events of ``stream=True``, with their classes."""
    with client(url) as openai_client:
        events = openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file), stream=True, **options)
        return [{"class": type(event).__name__} | event.model_dump() for event in events]


async def stream_asynchronously(url: str, file: str) -> list[dict[str, Any]]:
    """The same with the other client."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", timeout=WAIT_S) as openai_client:
        events = await openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file), stream=True)
        return [event.model_dump() async for event in events]


async def leave_a_stream(url: str, file: str) -> str:
    """The first event; then the client closes."""
    with client(url) as openai_client:
        events = openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file), stream=True)
        first = next(iter(events))
        events.close()
        return str(first.type)


async def several_at_once(url: str, files: list[str]) -> list[str]:
    """Texts of files that are sent together."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", timeout=WAIT_S) as openai_client:
        create = openai_client.audio.transcriptions.create
        found = await asyncio.gather(*(create(model="whisper-1", file=Path(file)) for file in files))
        return [each.text for each in found]


async def give_up(url: str, file: str, timeout_s: float) -> float:
    """Seconds after which the client's own time-out ends the request."""
    began = time.monotonic()
    with client(url, timeout=timeout_s, max_retries=0) as openai_client:
        try:
            openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file))
        except openai.APITimeoutError:
            return time.monotonic() - began
    raise AssertionError("the answer came in time")


async def in_the_background(url: str, file: str) -> dict[str, Any]:
    """A job, looked at until it is done, through the client's raw requests."""
    with client(url) as openai_client:
        raw = openai_client.audio.transcriptions.with_raw_response.create(
            model="whisper-1", file=Path(file), extra_body={"background": True}
        )
        job = raw.http_response.json()
        while job["status"] == "in_progress":
            await asyncio.sleep(0.2)
            job = openai_client.get(f"/jobs/{job['id']}", cast_to=dict[str, Any])
        deleted = openai_client.delete(f"/jobs/{job['id']}", cast_to=dict[str, Any])
        return {"status": raw.http_response.status_code, "job": job, "deleted": deleted}


async def models(url: str) -> list[str]:
    """Names in ``models.list``."""
    with client(url) as openai_client:
        return [model.id for model in openai_client.models.list()]


async def model(url: str, name: str) -> dict[str, Any]:
    """What ``models.retrieve`` returns."""
    with client(url) as openai_client:
        return dict(openai_client.models.retrieve(name).model_dump())


async def with_key(url: str, key: str, file: str) -> str:
    """The text, or an exception, with this key."""
    with client(url, api_key=key, max_retries=0) as openai_client:
        return str(openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file)).text)


async def retries(url: str, file: str) -> dict[str, Any]:
    """How often the client tries, and how long, against an address that answers 503 or 429."""
    began = time.monotonic()
    with client(url, max_retries=2) as openai_client:
        answer = openai_client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=Path(file))
        return {"text": answer.parse().text, "retries": answer.retries_taken, "took_s": time.monotonic() - began}


async def request_id(url: str, file: str) -> str:
    """The id by which a request is found in logs."""
    with client(url) as openai_client:
        return str(openai_client.audio.transcriptions.create(model="whisper-1", file=Path(file))._request_id)


if __name__ == "__main__":
    serve(transcribe, translate, send_bytes, stream, stream_asynchronously, leave_a_stream, several_at_once, give_up,
          in_the_background, models, model, with_key, retries, request_id)  # fmt: skip
