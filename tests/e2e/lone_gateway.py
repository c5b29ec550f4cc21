"""The page from a real gateway without Redis: a test answers for `/ws`, everything else is as it is."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from playwright.async_api import Page, WebSocketRoute

from local.stack.ports import free_port
from tests.e2e.pages import OpenPage, browsers_at
from tests.support.eventually import soon
from tests.support.machines import ROOT
from wire.audio import Pcm, decode_pcm

START_S = 60

SESSION = {"session_id": "0" * 32, "room": None}
READY: dict[str, Any] = {
    **SESSION, "type": "ready", "token": "t", "resumed": False, "samples": 0, "sample_rate": 16_000, "language": None,
    "languages": [], "prompt": "",
}  # fmt: skip


class Decoding:
    """Answers for ``/decode``: requests the middle of a file and then says nothing, or refuses, or is the real one."""

    def __init__(self, *answers: str) -> None:
        """``answers`` are those of the first lines, the last one of all: a code, ``stall``, ``lose`` or ``serve``."""
        self._answers = [*answers]
        self.lines: list[WebSocketRoute] = []
        self.closed = 0

    async def take_the_place(self, page: Page) -> None:
        """Answer for it on a page."""
        await page.route_web_socket(re.compile("/decode$"), self._serve)

    async def _serve(self, line: WebSocketRoute) -> None:
        self.lines.append(line)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer == "serve":
            line.connect_to_server()
            return
        if answer == "lose":
            await line.close(code=1012)
            return

        def reply(message: str | bytes) -> None:
            if isinstance(message, bytes):
                return
            middle = {"type": "read", "offset": json.loads(message)["size"] // 2, "length": 1}
            refusal = {"type": "error", "code": answer, "message": "-", "remedy": "-", "fatal": True}
            line.send(json.dumps(middle if answer == "stall" else refusal))

        def close(*_: object) -> None:
            self.closed += 1

        line.on_message(reply)
        line.on_close(close)


class Service:
    """Takes the audio of one session, and acknowledges it at once."""

    def __init__(self) -> None:
        self.starts: list[dict[str, Any]] = []
        self.audio = bytearray()
        self.pending: list[int] = []
        """Results that are missing at each ``stop``; none when it is empty."""
        self.line: WebSocketRoute | None = None

    @property
    def pcm(self) -> Pcm:
        """Everything that came."""
        return decode_pcm(bytes(self.audio))

    async def take_the_place(self, page: Page) -> None:
        """Answer for ``/ws``, and for ``/readyz``, which would miss Redis."""
        await page.route_web_socket(re.compile("/ws$"), self._serve)
        await page.route(re.compile(r"/readyz\?"), lambda route: route.fulfill(json={"ready": True, "checks": {}}))

    def say(self, **message: Any) -> None:
        """Send a message to the page."""
        assert self.line is not None
        self.line.send(json.dumps(message))

    def _serve(self, line: WebSocketRoute) -> None:
        self.line = line

        def answer(message: str | bytes) -> None:
            if isinstance(message, bytes):
                self.audio += message
                self.say(type="ack", samples=len(self.audio) // 2)
                return
            said = json.loads(message)
            if said["type"] == "start":
                self.starts.append(said)
                self.say(**READY | {"samples": len(self.audio) // 2})
            elif said["type"] == "stop":
                self.say(type="stopped", segments=0, pending=self.pending.pop(0) if self.pending else 0)

        line.on_message(answer)


@asynccontextmanager
async def lone_gateway() -> AsyncIterator[OpenPage]:
    """Opens the page in a browser, as ``browsers_at``."""
    port = free_port("127.0.0.1")
    environment = os.environ | {
        "REDIS_URL": "redis://127.0.0.1:1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "error"
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fastapi_service.fastapi_service", cwd=ROOT, env=environment
    )
    try:
        await soon(lambda: process.returncode is not None or _answers(port), START_S)
        assert process.returncode is None, "The gateway ended; its output says why."
        async with browsers_at(f"http://localhost:{port}") as open_it:
            yield open_it
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _answers(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
