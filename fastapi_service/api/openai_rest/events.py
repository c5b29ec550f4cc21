"""A file's text as server-sent events, while it is transcribed."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fastapi_service.api.openai_rest import answers
from fastapi_service.api.openai_rest.order import Order
from fastapi_service.api.openai_rest.refusals import body_of, status_of
from fastapi_service.api.openai_rest.run import FileRun
from fastapi_service.api.openai_rest.text import GrowingText, text_of
from fastapi_service.api.openai_rest.transcript import Transcript
from fastapi_service.api.openai_rest.waiting import gone
from fastapi_service.export.entries import Speakers
from fastapi_service.export.sentences import as_one
from wire.messages.results import Final

PROGRESS_S = 2.0
"""Interval of comments with the progress, which clients pass over; they keep proxies from closing the line, too."""
log = structlog.get_logger()


class EventStream(Response):
    """Sends events for as long as the client stays; when it goes, they are closed."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, events: AsyncGenerator[bytes], held: ExitStack) -> None:
        """Begin with the first event; ``held`` is closed at the end."""
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._first = first
        self._events = events
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (the name is ASGI's)
        """Send all."""
        with self._held:
            writing = asyncio.create_task(self._write(send), name="events")
            leaving = asyncio.create_task(gone(receive), name="client goes")
            try:
                await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                writing.cancel()
                await asyncio.gather(leaving, writing, return_exceptions=True)
                await self._events.aclose()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        try:
            async for event in self._events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        except Exception as error:  # the boundary: the client has a status already, and gets an event in its place
            if status_of(error) == 500:
                log.exception("file failed")
            await send({"type": "http.response.body", "body": _event(body_of(error)), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def events(run: FileRun, order: Order) -> AsyncGenerator[bytes]:
    """Yield comments, pieces of the text, sentences if they are requested, and at the end all of the text.

    Nothing is yielded before the first sound of the file is decoded. The pieces, joined, are the text.
    """
    transcript, growing, turns = Transcript(order), GrowingText(), _Turns(order)
    loop = asyncio.get_running_loop()
    progress_at = loop.time()
    async with aclosing(run.results()) as results:
        async for result in results:
            if result is not None:
                transcript.add(result)
            if isinstance(result, Final):
                if piece := growing.add(result):
                    yield _event({"type": "transcript.text.delta", "delta": piece})
                for turn in turns.add(result):
                    yield _event(turn)
            if run.has_begun and loop.time() >= progress_at:
                progress_at = loop.time() + PROGRESS_S
                yield _progress(run)
    if piece := growing.rest():
        yield _event({"type": "transcript.text.delta", "delta": piece})
    for turn in turns.rest():
        yield _event(turn)
    transcript.seconds = run.decoded_s
    transcript.check()
    whole = await asyncio.to_thread(_whole, transcript, run)  # hours of sentences take their time
    yield _event({"type": "transcript.text.done"} | whole)


def _progress(run: FileRun) -> bytes:
    total = f" total_s={run.total_s:.1f}" if run.total_s is not None else ""
    return f": progress decoded_s={run.decoded_s:.1f} transcribed_s={run.done_s:.1f}{total}\n\n".encode()


def _whole(transcript: Transcript, run: FileRun) -> dict[str, Any]:
    found = {"text": text_of(transcript.finals)} | answers.overall(transcript)
    if transcript.order.logprobs:
        found["logprobs"] = answers.logprobs(transcript.finals)
    return found | run.kept


class _Turns:
    """The sentences of a file, one after the other, if its client requests them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._is_wanted = order.sentiment or order.response_format == "diarized_json"
        self._speakers = Speakers()
        self._sentence: list[Final] = []
        self._number = 0

    def add(self, final: Final) -> list[dict[str, Any]]:
        """Take in the next final; return the sentence that is over by that, if there is one."""
        if not self._is_wanted:
            return []
        over = self.rest() if self._sentence and not final.continues else []
        self._speakers.note(final)
        self._sentence.append(final)
        return over

    def rest(self) -> list[dict[str, Any]]:
        """Return the last sentence."""
        if not self._sentence:
            return []
        sentence, self._sentence = as_one(self._sentence), []
        speaker = self._speakers.by_session()[sentence.session_id]
        self._number += 1
        return [answers.turn(self._number - 1, sentence, speaker, self._order)]


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
