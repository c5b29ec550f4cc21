"""The protocol seam: a protocol with other frames than ``/ws`` needs a serializer and nothing else.

``LineSerializer`` has what other live-transcription protocols have: settings in query parameters, a greeting, audio
inside text frames, keep-alives, zero to several frames for a message, its own errors, close codes and counters.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping

import pytest

from fastapi_service.api.connection import Connection
from fastapi_service.api.serializer import Audio, Incoming, Serializer
from fastapi_service.delivery.frames import Close, Frame, Reply
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, FakeSocket
from wire.close_codes import CloseCode
from wire.errors import ProtocolError
from wire.messages.client import Start, Stop
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Error, Stopped

PIECE = 4
"""Bytes of audio in one message; a longer frame is several."""


class LineSerializer:
    """Lines of text: ``audio BASE64``, ``keepalive``, ``end``."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self._sent = 0

    def connect(self) -> tuple[Incoming, ...]:
        rate = self._query.get("rate", "8000")
        if not rate.isdigit():
            raise ProtocolError("bad_rate", "The rate is no number.", "Send ?rate=8000.")
        return (Reply(("hello",)), Start(sample_rate=int(rate), language=self._query.get("language")))

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
            case Error():
                return (f"error {message.code}",)
            case _:
                return ()

    def close(self, code: int) -> Close:
        return Close(4200, "done") if code == CloseCode.NORMAL else Close(1011, f"NET-{code}")


async def converse(serializer: Serializer, registry: FakeRegistry, *frames: Frame) -> FakeSocket:
    log = FakeLog()
    log.add(1, 2)
    socket = FakeSocket(*frames)
    async with asyncio.timeout(5):
        await Connection(socket, serializer, registry, log, Settings()).serve()
    return socket


async def test_another_protocol_drives_a_session_from_start_to_stop() -> None:
    """Start comes from the query, audio from text frames, one result is two frames, and the close frame is its own."""
    registry = FakeRegistry()
    serializer = LineSerializer({"rate": "16000", "language": "ko"})
    speech = base64.b64encode(bytes(range(10))).decode()
    socket = await converse(serializer, registry, "keepalive", f"audio {speech}", "end")
    assert [(start.sample_rate, start.language) for start in registry.starts] == [(16_000, "ko")]
    assert registry.session.heard == bytes(range(10))
    assert registry.talking == 1
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


@pytest.mark.parametrize("query", [{"rate": "quick"}])
async def test_an_invalid_handshake_closes_the_connection(query: dict[str, str]) -> None:
    """The error comes first, then a close frame with the protocol's own code; no session was started."""
    registry = FakeRegistry()
    socket = await converse(LineSerializer(query), registry, "end")
    assert socket.frames == ["error bad_rate"]
    assert (socket.closed, socket.reason) == (1011, f"NET-{CloseCode.POLICY}")
    assert (registry.starts, registry.left) == ([], [False])


async def test_a_displaced_client_gets_the_close_frame_of_its_protocol() -> None:
    """Whatever closes the connection."""
    socket = FakeSocket()
    connection = Connection(socket, LineSerializer({}), FakeRegistry(), FakeLog(), Settings())
    connection.displace()
    async with asyncio.timeout(5):
        await connection.send_queue.closed()
    assert socket.frames == ["error taken_over"]
    assert (socket.closed, socket.reason) == (1011, f"NET-{CloseCode.TAKEN_OVER}")
