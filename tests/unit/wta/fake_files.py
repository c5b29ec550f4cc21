"""A gateway's HTTP routes for files in a few lines: it takes forms, and answers with events that a test writes."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.wta.fake_gateway import SESSION, TOKEN

DONE = {"type": "transcript.text.done", "text": "Good morning.", "session": {"id": SESSION, "token": TOKEN}}
TRANSCRIPT = "[00:00:00] Good morning.\n"


def event(data: object) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def progress(seconds: float, total_s: float | None = None) -> bytes:
    total = "" if total_s is None else f" total_s={total_s:.1f}"
    return f": progress decoded_s={seconds * 2:.1f} transcribed_s={seconds:.1f}{total}\n\n".encode()


@dataclass
class Reply:
    """An answer to a file: a status, and pieces of a body. ``hold``: keep the line open behind them."""

    pieces: tuple[bytes, ...] = (event(DONE),)
    status: int = 200
    hold: bool = False
    cut: bool = False
    """Break the line behind them, before the end of the body."""


@dataclass
class FakeFiles:
    """One reply after the other; the last one again and again."""

    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    statistics: dict[str, object] | None = None
    forms: list[bytes] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    """Request lines and headers, of all requests."""
    left: int = 0
    """Clients that went while a reply was held."""
    http: str = ""

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["FakeFiles"]:
        server = await asyncio.start_server(self._exchange, "127.0.0.1", 0, ssl=tls)
        self.http = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.headers.append(head)
            length = next((line[15:] for line in head.splitlines() if line.lower().startswith("content-length:")), "0")
            body = await reader.readexactly(int(length))
            await self._answer(head.split()[0], head.split()[1], body, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, method: str, path: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if method == "POST":
            self.forms.append(body)
            await self._reply(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0], reader, writer)
        elif method == "DELETE":
            await self._send(204, b"", writer)
        elif path.startswith("/v1/sessions/"):
            await self._send(200, json.dumps({"statistics": self.statistics, "room_statistics": None}).encode(), writer)
        else:
            await self._send(200, TRANSCRIPT.encode(), writer)

    async def _reply(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.status != 200:
            await self._send(reply.status, b"".join(reply.pieces), writer)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n")
        for piece in reply.pieces:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if reply.hold:
            try:
                await reader.read()
            finally:  # also when the line is reset
                self.left += 1
        elif reply.cut:
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    @staticmethod
    async def _send(status: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
