"""The protocol seam: a protocol with other frames than ``/ws`` is a serializer and a route.

``LineSerializer`` has what other live-transcription protocols have: settings in query parameters, a subprotocol, a
greeting, audio inside text frames, keep-alives, a command to end an utterance, zero to several frames for a message,
its own errors, close codes and counters, and no resuming.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_service.api.acceptor import Acceptor, acceptor_of
from fastapi_service.api.connection import Connection
from fastapi_service.api.serializer import Audio, Begin, Clear, Flush, Incoming, Serializer, Tune
from fastapi_service.api.validation import explain
from fastapi_service.delivery.frames import Close, Frame, Reply
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.sessions.ports import Client, SpeechSession
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, FakeSocket, FakeVisit, open_access
from wire.close_codes import CloseCode
from wire.errors import ProtocolError
from wire.messages.client import Ping, Start, Stop
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Error, Pong, Stopped

PIECE = 4
"""Bytes of audio in one message; a longer frame is several."""


COMMANDS: dict[str, Incoming] = {"flush": Flush(), "clear": Clear(), "end": Stop()}


class LineSerializer:
    """Lines of text: ``audio BASE64``, ``keepalive``, ``hello``, ``flush``, ``clear``, ``patience MS``, ``end``."""

    resumable = grant_may_follow = False
    idle_s: float | None = None

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
        if "silence" in self._query:
            return (Begin(start, EndpointingChange(silence_ms=int(self._query["silence"]))),)
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
            case "patience":
                return (Tune(EndpointingChange(silence_ms=int(rest))),)
            case "flush" | "clear" | "end":
                return (COMMANDS[verb], Ping(id=verb))
            case _:
                raise ProtocolError("bad_line", "The line is unknown.", "Send audio, keepalive or end.")

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        match message:
            case Final():
                self._sent += 1
                return (f"text {self._sent} {message.text}", message.text.encode())
            case Pong():
                return (f"done {message.id}",) if message.id == "clear" else ()
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


def client(registry: FakeRegistry, access: Literal["open", "closed"] = "open") -> TestClient:
    """A client of an application with this protocol only."""
    log = FakeLog()
    log.add(1, 2)
    app = FastAPI()
    app.state.acceptor = Acceptor(registry, log, Settings(access=access), open_access())
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
    members = {"type", "title", "status", "detail"} | {"code", "message", "remedy"}
    assert (denied.value.json()["code"], set(denied.value.json())) == (code, members)
    assert (registry.starts, registry.left) == ([], [])


def test_a_closed_gateway_refuses_a_handshake_that_nothing_can_make_good() -> None:
    """No message of the protocol has a key, and the handshake has none: HTTP status 401."""
    registry = FakeRegistry()
    with pytest.raises(WebSocketDenialResponse) as denied, client(registry, "closed").websocket_connect("/lines"):
        pass
    assert (denied.value.status_code, denied.value.json()["code"]) == (401, "no_grant")
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

    async def open(self, start: Start, _: Client, __: EndpointingChange) -> tuple[SpeechSession, str | None]:
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


async def test_a_session_has_ends_of_utterances_of_its_own() -> None:
    """From its beginning, and changed in its course; what is left out has the gateway's value again."""
    registry = FakeRegistry()
    await converse(LineSerializer({"silence": "300"}), registry, "patience 900", "flush", "end")
    assert registry.session.changes == [EndpointingChange(silence_ms=300), EndpointingChange(silence_ms=900)]
    registry = FakeRegistry()
    await converse(LineSerializer({}), registry, "end")
    assert registry.session.changes == [EndpointingChange()]


async def test_a_client_takes_its_audio_back() -> None:
    """The session drops it, and its room sees nobody talk; an answer to the command comes behind it."""
    registry = FakeRegistry()
    socket = await converse(LineSerializer({}), registry, "clear", "end")
    assert (registry.session.clears, registry.silent) == (1, 1)
    assert "done clear" in socket.frames


@pytest.mark.parametrize("frames", [(), ("keepalive", "sing")], ids=["silent", "silent after a while"])
async def test_a_client_without_signs_of_life_is_disconnected(frames: tuple[str, ...]) -> None:
    """If its protocol demands them: its session ends, with an error of its own."""
    registry, serializer = FakeRegistry(), LineSerializer({})
    serializer.idle_s = 0.1
    socket = await converse(serializer, registry, *frames)
    assert socket.frames[-1] == "error idle"
    assert socket.reason == f"NET-{CloseCode.TRY_LATER}"
    assert registry.left == [False]
