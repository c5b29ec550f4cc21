"""The protocol seam: a protocol with other frames than ``/ws`` is a serializer and a route.

``LineSerializer`` has what other live-transcription protocols have: settings in query parameters, a subprotocol, a
greeting, audio inside text frames, keep-alives, a command to end an utterance, zero to several frames for a message,
its own errors, close codes and counters, and no resuming.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.connection import Connection
from fastapi_service.api.serializer import Audio, Flush, Incoming, Serializer
from fastapi_service.api.validation import explain
from fastapi_service.delivery.frames import Close, Frame, Reply
from fastapi_service.sessions.ports import Client, SpeechSession
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, FakeSocket, FakeVisit, open_access
from wire.close_codes import CloseCode
from wire.errors import ProtocolError
from wire.messages.client import Start, Stop
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Error, Stopped

PIECE = 4
"""Bytes of audio in one message; a longer frame is several."""


class LineSerializer:
    """Lines of text: ``audio BASE64``, ``keepalive``, ``hello``, ``flush``, ``end``."""

    resumable = False

    def __init__(self, query: Mapping[str, str], offered: Sequence[str] = ()) -> None:
        self.subprotocol = "lines" if "lines" in offered else None
        self._query = query
        self._sent = 0

    def connect(self) -> tuple[Incoming, ...]:
        rate = self._query.get("rate", "8000")
        if not rate.isdigit():
            raise ProtocolError("bad_rate", "The rate is no number.", "Send ?rate=8000.")
        try:
            start = Start(sample_rate=int(rate), language=self._query.get("language"))
        except ValidationError as invalid:
            raise explain(invalid) from invalid
        return (Reply(("hello",)), start)

    def decode(self, frame: Frame) -> tuple[Incoming, ...]:
        verb, _, rest = str(frame).partition(" ")
        match verb:
            case "audio":
                try:
                    pcm = base64.b64decode(rest, validate=True)
                except binascii.Error as error:
                    raise ProtocolError("bad_base64", "This is no base64.", "Encode the audio.") from error
                return tuple(Audio(pcm[at : at + PIECE]) for at in range(0, len(pcm), PIECE))
            case "keepalive":
                return ()
            case "hello":
                return (Reply(("hello", b"again")),)
            case "flush":
                return (Flush(),)
            case "end":
                return (Stop(),)
            case _:
                raise ProtocolError("bad_line", "The line is unknown.", "Send audio, keepalive or end.")

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        match message:
            case Final():
                self._sent += 1
                return (f"text {self._sent} {message.text}", message.text.encode())
            case Stopped():
                return (f"summary {message.segments}",)
            case Error(code="session_unknown"):
                raise KeyError(message.code)
            case Error():
                return (f"error {message.code}",)
            case _:
                return ()

    def close(self, code: int) -> Close:
        return Close(4200, "done") if code == CloseCode.NORMAL else Close(1011, f"NET-{code}")


async def converse(serializer: Serializer, registry: FakeRegistry, *frames: Frame | int) -> FakeSocket:
    log = FakeLog()
    log.add(1, 2)
    socket = FakeSocket(*frames)
    async with asyncio.timeout(5):
        await Connection(socket, serializer, registry, log, Settings(), FakeVisit()).serve(serializer.connect())
    return socket


router = APIRouter()


@router.websocket("/lines")
async def lines(websocket: WebSocket, acceptor: Annotated[Acceptor, Depends(acceptor_of)]) -> None:
    await acceptor.serve(websocket, LineSerializer(websocket.query_params, websocket.scope["subprotocols"]))


def client(registry: FakeRegistry) -> TestClient:
    """A client of an application with this protocol only."""
    log = FakeLog()
    log.add(1, 2)
    app = FastAPI()
    app.state.acceptor = Acceptor(registry, log, Settings(), open_access())
    app.include_router(router)
    return TestClient(app)


async def test_another_protocol_drives_a_session_from_start_to_stop() -> None:
    """Start comes from the query, audio from text frames, one result is two frames, and the close frame is its own."""
    registry = FakeRegistry()
    serializer = LineSerializer({"rate": "16000", "language": "ko"})
    speech = base64.b64encode(bytes(range(10))).decode()
    socket = await converse(serializer, registry, "keepalive", f"audio {speech}", "flush", "end")
    assert [(start.sample_rate, start.language) for start in registry.starts] == [(16_000, "ko")]
    assert registry.session.heard == bytes(range(10))
    assert (registry.talking, registry.session.flushes) == (1, 1)
    assert socket.frames == [
        "hello",
        "text 1 good morning everybody",
        b"good morning everybody",
        "text 2 good morning everybody",
        b"good morning everybody",
        "summary 3",
    ]
    assert (socket.closed, socket.reason) == (4200, "done")


async def test_another_protocol_reports_errors_in_its_own_frames() -> None:
    """An invalid frame is refused and the session goes on."""
    socket = await converse(LineSerializer({}), FakeRegistry(), "sing", "audio ?", "end")
    assert [frame for frame in socket.frames if str(frame).startswith("error")] == [
        "error bad_line",
        "error bad_base64",
    ]
    assert socket.frames[-1] == "summary 3"


async def test_a_displaced_client_gets_the_close_frame_of_its_protocol() -> None:
    """Whatever closes the connection."""
    socket = FakeSocket()
    connection = Connection(socket, LineSerializer({}), FakeRegistry(), FakeLog(), Settings(), FakeVisit())
    connection.displace()
    async with asyncio.timeout(5):
        await connection.send_queue.closed()
    assert socket.frames == ["error taken_over"]
    assert (socket.closed, socket.reason) == (1011, f"NET-{CloseCode.TAKEN_OVER}")


def test_each_connection_has_a_serializer_of_its_own() -> None:
    """Made from its handshake: query and subprotocol. Replies come in order with the messages."""
    registry = FakeRegistry()
    app = client(registry)
    for rate, offered, accepted in (("16000", ["other", "lines"], "lines"), ("8000", ["other"], None)):
        with app.websocket_connect(f"/lines?rate={rate}", subprotocols=offered) as socket:
            assert socket.accepted_subprotocol == accepted
            assert [socket.receive_text() for _ in range(2)] == ["hello", "text 1 good morning everybody"]
            assert socket.receive_bytes() == b"good morning everybody"
            assert socket.receive_text() == "text 2 good morning everybody"
            assert socket.receive_bytes() == b"good morning everybody"
            socket.send_text("hello")
            assert (socket.receive_text(), socket.receive_bytes()) == ("hello", b"again")
            socket.send_text("end")
            assert socket.receive_text() == "summary 3"
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_text()
            assert (closed.value.code, closed.value.reason) == (4200, "done")
    assert [start.sample_rate for start in registry.starts] == [16_000, 8_000]


@pytest.mark.parametrize(("rate", "code"), [("quick", "bad_rate"), ("1", "bad_sample_rate")])
def test_an_invalid_handshake_is_refused_over_http(rate: str, code: str) -> None:
    """Before the WebSocket is accepted: no connection is counted, and no session starts."""
    registry = FakeRegistry()
    with pytest.raises(WebSocketDenialResponse) as denied, client(registry).websocket_connect(f"/lines?rate={rate}"):
        pass
    assert denied.value.status_code == 400
    assert (denied.value.json()["code"], set(denied.value.json())) == (code, {"code", "message", "remedy"})
    assert (registry.starts, registry.left) == ([], [])


def test_a_foreign_origin_is_refused_before_the_handshake_is_read() -> None:
    """With the status of every refused origin."""
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client(FakeRegistry()).websocket_connect("/lines?rate=quick", headers={"Origin": "https://elsewhere.example"}),
    ):
        pass
    assert not isinstance(closed.value, WebSocketDenialResponse)


class RefusingRegistry(FakeRegistry):
    """Opens no session."""

    async def open(self, start: Start, _: Client) -> tuple[SpeechSession, str | None]:
        self.starts.append(start)
        raise ProtocolError("session_unknown" if start.language else "no_place", "There is none.", "Go elsewhere.")


async def test_a_start_of_the_handshake_that_is_refused_closes_the_connection() -> None:
    """The error comes first, then a close frame with the protocol's own code."""
    registry = RefusingRegistry()
    socket = await converse(LineSerializer({}), registry, "end")
    assert socket.frames == ["hello", "error no_place"]
    assert (socket.closed, socket.reason) == (1011, f"NET-{CloseCode.POLICY}")
    assert registry.left == [False]


def test_an_encoder_that_fails_closes_the_connection() -> None:
    """The client is not left waiting."""
    registry = RefusingRegistry()
    with client(registry).websocket_connect("/lines?language=en") as socket:
        assert socket.receive_text() == "hello"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (CloseCode.INTERNAL_ERROR, "")
    assert registry.left == [False]


async def test_audio_of_any_protocol_is_checked_for_its_format() -> None:
    """A stream of its own, whatever frames it came in."""
    recorded = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + bytes(100)
    frames = [f"audio {base64.b64encode(recorded[at : at + 6]).decode()}" for at in range(0, len(recorded), 6)]
    socket = await converse(LineSerializer({}), FakeRegistry(), *frames, "end")
    assert socket.frames[-1] == "error unsupported_audio"
    assert socket.reason == f"NET-{CloseCode.UNSUPPORTED_DATA}"


async def test_a_broken_connection_of_a_protocol_without_resuming_ends_its_utterance_at_once() -> None:
    """Nothing could continue it."""
    registry = FakeRegistry()
    await converse(LineSerializer({}), registry, "keepalive", 1006)
    assert registry.left == [False]


async def test_a_flush_without_a_session_does_nothing() -> None:
    """There is nothing to end."""

    class Late(LineSerializer):
        def connect(self) -> tuple[Incoming, ...]:
            return ()

    registry = FakeRegistry()
    socket = await converse(Late({}), registry, "flush", "end")
    assert (registry.starts, socket.frames) == ([], ["summary 0"])
