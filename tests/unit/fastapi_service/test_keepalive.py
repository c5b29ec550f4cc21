"""Pings of the gateway: a client that is not read is not dead, a silent one is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from fastapi_service.api import keepalive
from fastapi_service.api.keepalive import LARGE, LARGER_MESSAGES, MOST_FRAGMENTS, PatientWebSocketProtocol
from fastapi_service.fastapi_service import LARGEST_MESSAGE
from tests.support.eventually import soon

PING_S = 0.1
AWAY_S = 12 * PING_S
MESSAGE = bytes(60_000)


class Echo:
    """An application that reads nothing for a while after each message, then answers with its length."""

    def __init__(self, away_s: float, goes_on: asyncio.Event | None = None) -> None:
        self._away_s = away_s
        self._goes_on = goes_on

    async def __call__(
        self, _scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await asyncio.sleep(self._away_s)
            if self._goes_on is not None:
                await self._goes_on.wait()
            await send({"type": "websocket.send", "text": str(len(message["bytes"]))})


@asynccontextmanager
async def serving(away_s: float, goes_on: asyncio.Event | None = None) -> AsyncIterator[str]:
    config = uvicorn.Config(
        Echo(away_s, goes_on), port=0, ws=PatientWebSocketProtocol, ws_ping_interval=PING_S, ws_ping_timeout=PING_S,
        ws_max_size=LARGEST_MESSAGE, lifespan="off", log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await soon(lambda: server.started)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


@pytest.mark.parametrize("messages", [1, 3, 100], ids=["read", "unread", "far more than buffers hold"])
async def test_client_is_kept_while_it_is_not_read(messages: int) -> None:
    """Its pongs lie behind its audio for many times the time-out; it can still be answered."""
    async with serving(AWAY_S) as url, websockets.connect(url, ping_interval=None, close_timeout=0.1) as line:
        sending = asyncio.create_task(_send(line, messages))
        for _ in range(min(messages, 2)):
            assert await line.recv() == str(len(MESSAGE))
        sending.cancel()


async def test_client_that_sends_without_pause_needs_no_pong() -> None:
    """What it sends shows that it is alive."""
    async with serving(0) as url, websockets.connect(url, ping_interval=None) as line:
        line.protocol.send_pong = lambda data: None  # type: ignore[method-assign]  # noqa: ARG005
        for _ in range(30):
            await line.send(b"audio")
            assert await line.recv() == "5"
            await asyncio.sleep(PING_S / 3)


async def test_client_that_answers_pings_is_kept() -> None:
    """It sends nothing else."""
    async with serving(0) as url, websockets.connect(url, ping_interval=None) as line:
        await asyncio.sleep(AWAY_S)
        await line.send(b"audio")
        assert await line.recv() == "5"


@pytest.mark.parametrize("messages", [0, 1], ids=["from the beginning", "after a message"])
async def test_silent_client_is_closed(messages: int) -> None:
    """It reads and answers no ping: the line is dead."""
    async with serving(0) as url, websockets.connect(url, ping_interval=None, close_timeout=0.1) as line:
        await _send(line, messages)
        line.transport.pause_reading()
        await asyncio.sleep(AWAY_S)
        line.transport.resume_reading()
        for _ in range(messages):
            await line.recv()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011


async def _send(line: ClientConnection, messages: int) -> None:
    for _ in range(messages):
        await line.send(MESSAGE)


@pytest.mark.parametrize(
    ("path", "largest"), [("/ws", LARGEST_MESSAGE), *LARGER_MESSAGES.items(), ("/v1/realtime?model=m", 1 << 20)]
)
async def test_a_path_has_its_largest_message(path: str, largest: int) -> None:
    """A larger one closes the connection with 1009; the process's limit holds for all other paths."""
    async with serving(0) as url, websockets.connect(url + path, ping_interval=None, compression=None) as line:
        await line.send(bytes(largest))
        assert await line.recv() == str(largest)
        if "?" in path:
            return
        with suppress(websockets.ConnectionClosed):  # the gateway does not wait for the end of it
            await line.send(bytes(largest + 1))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_large_messages_have_so_many_bytes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it comes, and until the application reads on. Another one is closed with the reason; small ones are not."""
    monkeypatch.setattr(keepalive, "MOST_LARGE", 9 * LARGE)
    goes_on = asyncio.Event()
    async with serving(0, goes_on) as url, AsyncExitStack() as lines:
        path = f"{url}/v1/realtime"
        first, second, third = [
            await lines.enter_async_context(websockets.connect(path, ping_interval=None, compression=None))
            for _ in range(3)
        ]
        await first.send([bytes(2 * LARGE), bytes(2 * LARGE)])
        await second.send(MESSAGE)
        with suppress(websockets.ConnectionClosed):  # the gateway does not wait for the end of it
            await third.send(bytes(40 * LARGE))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await third.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason[:23]) == (1013, "Too many large messages")
        goes_on.set()
        assert await first.recv() == str(4 * LARGE)
        assert await second.recv() == str(len(MESSAGE))
        await second.send(bytes(8 * LARGE))
        assert await second.recv() == str(8 * LARGE)


@pytest.mark.parametrize("fragment", [b"", b"xy"], ids=["empty", "short"])
async def test_message_of_countless_fragments_is_refused(fragment: bytes) -> None:
    """It would take many times its bytes; empty ones would have no end."""
    async with serving(0) as url, websockets.connect(url, ping_interval=None, compression=None) as line:
        await line.send([fragment] * (MOST_FRAGMENTS - 1))  # and the end
        assert await line.recv() == str(len(fragment) * (MOST_FRAGMENTS - 1))
        with suppress(websockets.ConnectionClosed):
            await line.send([fragment] * MOST_FRAGMENTS)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_thousands_of_messages_in_one_piece_are_read_one_by_one() -> None:
    """Each costs the same, however many came with it."""
    async with serving(0) as url, websockets.connect(url, ping_interval=None, compression=None) as line:
        frames = websockets.ClientProtocol(websockets.uri.parse_uri(url))
        frames.state = websockets.protocol.OPEN
        for _ in range(20_000):
            frames.send_binary(b"ab")
        line.transport.write(b"".join(frames.data_to_send()))
        for _ in range(20_000):
            assert await line.recv() == "2"
