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
        await soon(lambda: _answers(port), START_S)
        async with browsers_at(f"http://localhost:{port}") as open_it:
            yield open_it
    finally:
        process.terminate()
        await process.wait()


def _answers(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
