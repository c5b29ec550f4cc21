"""Lines of ``/decode``: clients that go, stall or crowd, with a real server."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
import uvicorn
import websockets
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection

from fastapi_service.api import decode
from fastapi_service.api.keepalive import PatientWebSocketProtocol
from fastapi_service.app import create_app
from fastapi_service.settings import Settings
from tests.support.eventually import soon
from wire.audio import SAMPLE_RATE


def flac(seconds: int) -> bytes:
    """Return silence: a small file, however much PCM it is."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(seconds * SAMPLE_RATE, dtype=np.int16), SAMPLE_RATE, format="FLAC")
    return file.getvalue()


SHORT = flac(3)
LONG = flac(2_400)
"""77 MB of PCM, more than the buffers of a line hold."""


class Server:
    """A gateway without Redis."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._running = asyncio.create_task(server.serve())
        self._lines: list[ClientConnection] = []

    async def connect(self) -> ClientConnection:
        """Open a line whose end holds little: the system's own buffer may take all PCM of a file."""
        host, port = "127.0.0.1", self._server.servers[0].sockets[0].getsockname()[1]
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        end.setblocking(False)
        await asyncio.get_running_loop().sock_connect(end, (host, port))
        url = f"ws://{host}:{port}/decode"
        line = await websockets.connect(url, sock=end, ping_interval=None, max_queue=1)
        self._lines.append(line)
        return line

    async def start(self) -> None:
        await soon(lambda: self._server.started)

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._running
        for line in self._lines:
            await cut(line)


async def cut(line: ClientConnection) -> None:
    """End a line as when a tab is closed."""
    line.transport.abort()
    await line.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    app = create_app(Settings(redis_url="redis://127.0.0.1:1"))
    config = uvicorn.Config(
        app, port=0, ws=PatientWebSocketProtocol, ws_per_message_deflate=False, timeout_graceful_shutdown=3,
        log_config=None,
    )  # fmt: skip
    started = Server(uvicorn.Server(config))
    await started.start()
    yield started
    await started.stop()


def decoders() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "fastapi_service.decoding.child" in each.cmdline()]


def ends() -> dict[str, float]:
    """Return the number of files by their end."""
    family = next(family for family in REGISTRY.collect() if family.name == "wta_files")
    return {each.labels["end"]: each.value for each in family.samples if each.name == "wta_files_total"}


async def opened(server: Server, size: int) -> ClientConnection:
    line = await server.connect()
    await line.send(json.dumps({"type": "open", "size": size}))
    return line


async def until(line: ClientConnection, file: bytes, *, pcm: bool = False, pause_s: float = 0) -> dict[str, Any]:
    """Send parts until something else comes: PCM if it is wanted, else the last message."""
    while True:
        message = await line.recv()
        if isinstance(message, bytes):
            if pcm:
                return {"type": "pcm"}
            continue
        said: dict[str, Any] = json.loads(message)
        if said["type"] != "read":
            return said
        await asyncio.sleep(pause_s)
        with suppress(websockets.ConnectionClosed):  # the reason comes next
            await line.send(file[said["offset"] : said["offset"] + said["length"]])


async def is_free(server: Server) -> None:
    """Check that nothing is left of the files before, and another one is decoded."""
    await soon(lambda: decoders() == [])
    assert REGISTRY.get_sample_value("wta_decoders") == 0
    line = await opened(server, len(SHORT))
    assert await until(line, SHORT) == {"type": "decoded", "samples": 3 * SAMPLE_RATE}
    await line.wait_closed()


async def test_a_client_that_does_not_read_is_let_go(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its decoder ends with it, and the log has a line and no traceback."""
    monkeypatch.setattr(decode, "ANSWER_S", 1.0)
    before = ends().get("decoder_slow", 0)
    with capture_logs() as logs:
        line = await opened(server, len(LONG))
        await until(line, LONG, pcm=True)
        await soon(lambda: ends().get("decoder_slow", 0) == before + 1, 10)
        assert decoders() == []
    (ended,) = [each for each in logs if each["event"] == "file ended"]
    assert (ended["end"], ended["bytes"]) == ("decoder_slow", len(LONG))
    assert not [each for each in logs if each["log_level"] in {"error", "critical"}]
    await cut(line)
    monkeypatch.undo()
    await is_free(server)


@pytest.mark.parametrize("moment", ["before its file", "in its first part", "in its sound"])
async def test_a_client_that_goes_leaves_nothing(server: Server, moment: str) -> None:
    """Many reloads in a row take no places."""
    before = ends().get("left", 0)
    for number in range(1, 4):
        if moment == "before its file":
            line = await server.connect()
        else:
            line = await opened(server, len(LONG))
            await line.recv() if moment == "in its first part" else await until(line, LONG, pcm=True)
        await cut(line)
        await soon(lambda expected=before + number: ends().get("left", 0) == expected)  # type: ignore[misc]
    await is_free(server)


async def test_no_decoder_outlives_the_gateway(server: Server) -> None:
    """Whether it waits for its file or for its client to read."""
    line = await opened(server, len(LONG))
    await until(line, LONG, pcm=True)
    assert len(decoders()) == 1
    await server.stop()
    assert decoders() == []


async def test_an_address_has_one_file_at_a_time(server: Server) -> None:
    """The second one is told to come again, and finds the place when the first is done."""
    first = await opened(server, len(SHORT))
    said = json.loads(await first.recv())
    second = await server.connect()
    refused = json.loads(await second.recv())
    assert (refused["type"], refused["code"]) == ("error", "decoders_busy")
    await second.wait_closed()
    assert second.close_code == 1013
    await first.send(SHORT[said["offset"] : said["offset"] + said["length"]])
    assert (await until(first, SHORT))["type"] == "decoded"
    await first.wait_closed()
    await is_free(server)


async def test_a_line_must_carry_something(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part now and then keeps no place for long."""
    monkeypatch.setattr(decode, "GRACE_S", 2.0)
    monkeypatch.setattr(decode, "SLOWEST", 10_000_000)
    noise = io.BytesIO()
    soundfile.write(noise, np.random.default_rng(0).standard_normal(60 * SAMPLE_RATE) * 0.1, SAMPLE_RATE, format="FLAC")
    line = await opened(server, len(noise.getvalue()))
    said = await until(line, noise.getvalue(), pause_s=0.7)
    assert (said["code"], said["message"]) == (
        "decoder_slow",
        "The file goes over the line with less than 80 Mbit/s, or the line has stalled.",
    )
    monkeypatch.undo()
    await is_free(server)


async def test_a_part_must_come_in_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the first message."""
    monkeypatch.setattr(decode, "ANSWER_S", 0.3)
    for is_open in (False, True):
        line = await (opened(server, 1_000) if is_open else server.connect())
        said: dict[str, Any] = {"type": "read"}
        while said["type"] == "read":
            said = json.loads(await line.recv())
        assert said["code"] == "wrong_part"
        await line.wait_closed()
    monkeypatch.undo()
    await is_free(server)
