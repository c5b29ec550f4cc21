"""Clients that do not read their answers: the connection ends, with what it holds."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, cast

import pytest
import uvicorn

from fastapi_service.api import unread
from fastapi_service.api.keepalive import PatientWebSocketProtocol
from fastapi_service.api.openai_rest.events import EventStream
from fastapi_service.api.unread import STALLED_S, ReadHttpProtocol, UnreadBytes
from tests.support.eventually import soon

EVENT = b"data: " + bytes(20_000) + b"\n\n"


class Transport:
    """Has so many bytes that wait for its client."""

    waiting = 0
    closing = aborted = False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.aborted = True


class Clock:
    """A loop whose time passes when a test lets it."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Any:
        assert seconds == STALLED_S
        self.due.append(call)
        return self

    def cancel(self) -> None:
        self.due.clear()

    def pass_a_minute(self) -> None:
        self.due.pop()()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def sut(clock: Clock, transport: Transport) -> UnreadBytes:
    return UnreadBytes(cast(asyncio.AbstractEventLoop, clock), cast(asyncio.Transport, transport))


def test_client_that_takes_nothing_for_a_minute_is_cut_off(
    clock: Clock, transport: Transport, sut: UnreadBytes
) -> None:
    """From the first look at it on."""
    sut.note(full=True)
    transport.waiting = 70_000
    clock.pass_a_minute()
    assert not transport.aborted
    clock.pass_a_minute()
    assert transport.aborted
    assert clock.due == []


def test_client_that_reads_slowly_is_kept(clock: Clock, transport: Transport, sut: UnreadBytes) -> None:
    """However little it takes; also when as much has come since as it has taken."""
    sut.note(full=True)
    for waiting in (70_000, 69_999, 69_998):
        transport.waiting = waiting
        clock.pass_a_minute()
    sut.note(full=False)
    sut.note(full=True)
    clock.pass_a_minute()
    assert not transport.aborted


@pytest.mark.usefixtures("sut")
def test_what_more_may_be_added_to_does_not_count(clock: Clock, transport: Transport) -> None:
    """It cannot be seen whether a client takes of it; once the connection is closed, it can."""
    transport.waiting = 1_000
    for _ in range(3):
        clock.pass_a_minute()
    assert not transport.aborted
    transport.closing = True
    for _ in range(2):
        clock.pass_a_minute()
    assert transport.aborted


def test_connection_that_is_over_is_left_alone(clock: Clock, sut: UnreadBytes) -> None:
    """Nothing of it stays."""
    sut.end()
    assert clock.due == []


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(
        app, port=0, http=ReadHttpProtocol, ws=PatientWebSocketProtocol, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await soon(lambda: server.started)
    yield server
    server.should_exit = True
    await running


@contextmanager
def unread_request(server: uvicorn.Server, *more: str) -> Iterator[None]:
    """Send a request, and read nothing."""
    port = server.servers[0].sockets[0].getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall("\r\n".join(["GET / HTTP/1.1", "Host: here", *more, "", ""]).encode())
        yield


async def test_events_that_are_not_read_end_with_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is free again, and the connection is gone."""
    monkeypatch.setattr(unread, "STALLED_S", 0.2)
    ended: list[str] = []

    async def work() -> AsyncGenerator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield EVENT
        finally:
            ended.append("work")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        held = ExitStack()
        held.callback(ended.append, "place")
        await receive()
        await EventStream(EVENT, work(), held)(scope, receive, send)

    async with serving(app) as server:
        with unread_request(server):
            await soon(lambda: ended == ["work", "place"], 30)
            await soon(lambda: not server.server_state.connections, 30)


async def test_websocket_that_is_not_read_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the application has gone before."""
    monkeypatch.setattr(unread, "STALLED_S", 0.2)
    is_over = asyncio.Event()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                async with asyncio.timeout(0.1):  # of one event: then the line is full
                    await send({"type": "websocket.send", "bytes": EVENT})
        finally:
            is_over.set()

    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")  # fmt: skip
    async with serving(app) as server:
        with unread_request(server, *upgrade):
            await asyncio.wait_for(is_over.wait(), 30)
            await soon(lambda: not server.server_state.connections, 30)
