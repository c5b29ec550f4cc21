"""Gateways in processes of their own, and clients of them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from typing import Any

import httpx
import websockets

from tests.support.machines import Processes

START_S = 30
RECEIVE_S = 8.0


class Gateway:
    """One gateway on a port of its own; ``program`` is the Python that it runs, ``settings`` its environment.

    The clients of these tests talk in tones, which are voice by their level only.
    """

    def __init__(
        self,
        processes: Processes,
        program: str = "from fastapi_service import fastapi_service; fastapi_service.main()",
        **settings: str,
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.http = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}/ws"
        self._process: subprocess.Popen[bytes] = processes.python(
            "-c", program, **({"GATEWAY_PORT": str(port), "GATEWAY_VOICE_DETECTION": "false"} | settings)
        )

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.http}/healthz", timeout=2).is_success
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)


class Person:
    """A WebSocket with a session, and the messages that it received."""

    def __init__(self, line: websockets.ClientConnection, ready: dict[str, Any]) -> None:
        self._line = line
        self.ready = ready
        self.session_id, self.token = ready["session_id"], ready["token"]
        self.received: list[dict[str, Any]] = []

    @classmethod
    async def enter(cls, line: websockets.ClientConnection, **start: object) -> "Person":
        """Begin or resume a session."""
        await line.send(json.dumps({"type": "start"} | start))
        return cls(line, json.loads(await line.recv()))

    async def until(self, kind: str, **fields: object) -> dict[str, Any]:
        """The next message of this kind, with these fields."""
        async with asyncio.timeout(RECEIVE_S):
            while True:
                message = await self.receive()
                if message.items() >= ({"type": kind} | fields).items():
                    return message

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(await self._line.recv())
        self.received.append(message)
        return message

    async def talk(self, pcm: bytes = bytes(3_200)) -> None:
        await self._line.send(pcm)

    async def send(self, **message: object) -> None:
        """Send a control message."""
        await self._line.send(json.dumps(message))

    async def ping(self) -> None:
        """Wait for the answer: everything that was sent before it is received then."""
        await self._line.send('{"type":"ping"}')
        await self.until("pong")

    async def leave(self) -> None:
        await self._line.close()

    def break_line(self) -> None:
        """End the connection without a close frame."""
        self._line.transport.abort()
