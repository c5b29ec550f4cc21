"""A connection and its visit: refused, without the right to talk, expelled."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from fastapi_service import errors
from fastapi_service.access.strangers import MOST_STRANGERS
from fastapi_service.api.acceptor import Acceptor
from fastapi_service.api.connection import Connection
from fastapi_service.api.native import NativeSerializer
from fastapi_service.settings import Settings
from tests.support.connections import RECORD, FakeLog, FakeRegistry, FakeSocket, FakeVisit, open_access
from tests.support.eventually import soon
from wire.close_codes import CloseCode

START, PING = '{"type":"start"}', '{"type":"ping"}'
TONE = bytes(3_200)


async def serve(visit: FakeVisit, *frames: str | bytes | int) -> tuple[FakeSocket, FakeRegistry]:
    socket, registry = FakeSocket(*frames), FakeRegistry()
    async with asyncio.timeout(5):
        await Connection(socket, NativeSerializer(), registry, FakeLog(), Settings(), visit).serve()
    return socket, registry


def codes(socket: FakeSocket) -> list[Any]:
    return [message["code"] for message in socket.received if message["type"] == "error"]


@pytest.mark.parametrize("first", [START, TONE], ids=["start", "audio"])
@pytest.mark.parametrize(
    ("refusal", "code"),
    [(errors.no_grant(), CloseCode.POLICY), (errors.too_many_connections("key", 30), CloseCode.TRY_LATER)],
)
async def test_start_that_is_refused_closes_before_a_session_begins(
    first: str | bytes, refusal: Any, code: CloseCode
) -> None:
    """For good, unless waiting helps. The visit is left."""
    visit = FakeVisit(refusal=refusal)
    socket, registry = await serve(visit, first)
    assert (codes(socket), socket.closed) == ([refusal.code], code)
    assert (registry.starts, visit.began_with, visit.left) == ([], [], 1)


async def test_ready_says_the_rights_where_access_is_closed() -> None:
    """And nothing where it is open."""
    for visit, said in ((FakeVisit(rights=("read", "talk")), ["read", "talk"]), (FakeVisit(), None)):
        socket, _ = await serve(visit, START, 1000)
        assert socket.received[0].get("rights") == said
        assert visit.began_with == [RECORD.session_id]


@pytest.mark.parametrize("frame", [TONE, '{"type":"gap","samples":800}', '{"type":"configure","prompt":"x"}'])
async def test_reader_cannot_talk_and_is_disconnected_if_it_goes_on(frame: str | bytes) -> None:
    """The first refusals cost nothing else; with the twentieth the connection ends."""
    socket, registry = await serve(FakeVisit(rights=("read",)), START, frame, PING, 1000)
    assert [message["type"] for message in socket.received] == ["ready", "error", "pong"]
    assert codes(socket) == ["not_allowed"]
    assert (registry.session.heard, registry.session.gaps, registry.talking) == (b"", 0, 0)
    socket, _ = await serve(FakeVisit(rights=("read",)), START, *[frame] * errors.MAX_ERRORS)
    assert codes(socket) == ["not_allowed"] * (errors.MAX_ERRORS - 1) + ["too_many_errors"]
    assert socket.closed == CloseCode.POLICY


async def test_audio_is_counted_in_seconds() -> None:
    """Of the session's rate."""
    visit = FakeVisit(rights=("read", "talk"))
    await serve(visit, START, TONE, TONE, 1000)
    assert visit.audio_s == pytest.approx(0.2)


async def test_gap_is_shown_with_the_clock_that_it_leads_to() -> None:
    """Audio before it included; one that is refused does not count, and ends the connection for now."""
    visit = FakeVisit(rights=("read", "talk"))
    await serve(visit, START, TONE, '{"type":"gap","samples":16000}', 1000)
    assert visit.clock_s == pytest.approx(1.1)
    visit = FakeVisit(rights=("read", "talk"), longest_s=1.0)
    socket, registry = await serve(visit, START, TONE, '{"type":"gap","samples":16000}')
    assert (codes(socket), socket.closed) == (["too_fast"], CloseCode.TRY_LATER)
    assert registry.session.gaps == 0


async def test_expelled_client_is_not_listened_to() -> None:
    """Neither with what was under way, nor with what it sends on: the error is the last message."""
    visit, registry = FakeVisit(rights=("read", "talk")), FakeRegistry()
    socket = FakeSocket(START)
    connection = Connection(socket, NativeSerializer(), registry, FakeLog(), Settings(), visit)
    serving = asyncio.create_task(connection.serve())
    await soon(lambda: connection.session)
    socket._frames += [TONE] * 3
    visit.end(errors.grant_ended())
    async with asyncio.timeout(5):
        await serving
    assert (socket.received[-1]["code"], socket.received[-1]["fatal"]) == ("grant_ended", True)
    assert socket.closed == CloseCode.POLICY
    assert registry.session.heard == b""
    assert visit.left == 1


async def test_client_that_goes_before_it_is_accepted_leaves_its_place() -> None:
    """Else reloads of a page would lock out all guests of its network, until the gateway starts again."""

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(_: Message) -> None:
        raise OSError("the client has gone")

    scope = {"type": "websocket", "path": "/ws", "headers": [], "client": ("203.0.113.7", 1), "query_string": b""}
    acceptor = Acceptor(FakeRegistry(), FakeLog(), Settings(access="closed"), open_access())
    for _ in range(MOST_STRANGERS + 1):
        with pytest.raises(OSError, match="gone"):
            await acceptor.serve(WebSocket(scope, receive, send), NativeSerializer())
