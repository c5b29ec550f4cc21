"""A stereo input: two sessions over one WebSocket, with hand-made surroundings."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from fastapi_service import errors
from fastapi_service.api.channel import Channel
from fastapi_service.api.connection import Connection
from fastapi_service.api.deepgram.serializer import ListenSerializer
from fastapi_service.api.native import NativeSerializer
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.sessions.ports import Client, SpeechSession
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionTakenOver
from tests.support.connections import RECORD, FakeLog, FakeRegistry, FakeSession, FakeSocket, FakeVisit
from tests.support.eventually import soon
from tests.support.speakers import ALICE, BOB, final
from wire.errors import AccessError, WireError
from wire.messages.client import Start
from wire.messages.server import Ack, Right, SpeechStarted

STEREO = {"type": "start", "channels": 2, "room": "call", "speakers": [{"name": "Ann"}, {"role": "customer"}]}
AGAIN: dict[str, Any] = {
    "type": "start",
    "channels": 2,
    "resume": [{"session_id": ALICE, "token": "a"}, {"session_id": BOB, "token": "b"}],
    "last_seq": 3,
}
STOP = '{"type":"stop"}'


@dataclass
class TwoSessions(FakeRegistry):
    """Opens Alice's session, then Bob's; ``refused`` is raised instead of the second one."""

    two: list[FakeSession] = field(
        default_factory=lambda: [FakeSession(replace(RECORD, room="call", session_id=each)) for each in (ALICE, BOB)]
    )
    refused: WireError | None = None
    clients: list[Client] = field(default_factory=list)

    async def open(self, start: Start, client: Client, change: EndpointingChange) -> tuple[SpeechSession, str | None]:
        self.starts.append(start)
        if len(self.starts) > 1 and self.refused is not None:
            refused, self.refused = self.refused, None
            raise refused
        assert isinstance(client, Channel)
        session = self.two[client.number or 0]
        session.tune(change)
        self.clients.append(client)
        session.send = client.send_queue.send
        return session, None if start.session_id else "token"


@dataclass
class CountingVisit(FakeVisit):
    """Counts how often it decides."""

    decided: list[Start] = field(default_factory=list)

    async def begin(self, start: Start, end: Any) -> tuple[Right, ...] | None:
        self.decided.append(start)
        return await super().begin(start, end)


async def serve(
    registry: TwoSessions,
    *messages: dict[str, Any] | bytes | int,
    visit: FakeVisit | None = None,
    log: FakeLog | None = None,
) -> FakeSocket:
    """Run a connection whose client sends these, and then ``stop``."""
    socket = FakeSocket(*(json.dumps(each) if isinstance(each, dict) else each for each in messages), STOP)
    settings = Settings(stop_timeout_s=0.3, max_session_s=60)
    async with asyncio.timeout(5):
        await Connection(socket, NativeSerializer(), registry, log or FakeLog(), settings, visit or FakeVisit()).serve()
    return socket


def interleaved(left: list[int], right: list[int]) -> bytes:
    return np.array([left, right], dtype="<i2").T.tobytes()


def heard(registry: TwoSessions) -> list[list[int]]:
    return [np.frombuffer(session.heard, dtype="<i2").tolist() for session in registry.two]


async def test_each_channel_is_a_session_of_its_own() -> None:
    """With its audio, its speaker and its number; each answer comes for both, and the line closes once."""
    registry, visit = TwoSessions(), CountingVisit()
    socket = await serve(
        registry, STEREO, interleaved([1, 2, 3], [-1, -2, -3]), {"type": "gap", "samples": 5}, visit=visit
    )
    assert heard(registry) == [[1, 2, 3], [-1, -2, -3]]
    assert [session.gaps for session in registry.two] == [5, 5]
    assert [(each.name, each.role, each.room, each.channels) for each in registry.starts] == [
        ("Ann", None, "call", 1),
        (None, "customer", "call", 1),
    ]
    ready = [message for message in socket.received if message["type"] == "ready"]
    assert [(each["channel"], each["session_id"], each["token"]) for each in ready] == [
        (0, ALICE, "token"),
        (1, BOB, "token"),
    ]
    assert socket.received[-2:] == [
        {"type": "stopped", "segments": 3, "pending": 0, "channel": number} for number in (0, 1)
    ]
    assert (socket.closed, registry.left, registry.talking) == (1000, [False, False], 2)
    assert len(visit.decided) == visit.left == 1
    assert registry.two[0].clock is registry.two[1].clock is not None
    assert visit.audio_s == pytest.approx(3 / 16_000)
    assert visit.began_with == [ALICE, BOB]


async def test_messages_of_a_session_have_its_channel() -> None:
    """They have no other sign of the session; with one channel nothing is added."""
    registry = TwoSessions()
    socket = FakeSocket(json.dumps(STEREO))
    serving = asyncio.create_task(
        Connection(socket, NativeSerializer(), registry, FakeLog(), Settings(), FakeVisit()).serve()
    )
    await soon(lambda: len(socket.received) >= 2)
    left, right = registry.clients
    left.send_queue.send(Ack(samples=7))
    right.send_queue.send(SpeechStarted(segment=0, at_ms=1))
    await soon(lambda: any(message["type"] == "speech_started" for message in socket.received))
    right.displace()
    await serving
    marked = {message["type"]: message.get("channel") for message in socket.received if message["type"] != "ready"}
    assert marked == {"ack": 0, "speech_started": 1, "error": None}
    assert socket.closed == 4409


async def test_results_of_the_room_come_once_and_each_session_continues_its_own() -> None:
    """Both sessions are in the same room."""
    registry, log = TwoSessions(), FakeLog()
    log.results = [(1, final(0, ALICE, room="call")), (2, final(0, BOB, room="call"))]
    socket = await serve(registry, STEREO, log=log)
    assert socket.seqs() == [1, 2]
    assert [[each.session_id for each in session.noted] for session in registry.two] == [[ALICE], [BOB]]
    statistics = [message["session_id"] for message in socket.received if message["type"] == "stats"]
    assert statistics == [ALICE, BOB]


async def test_a_stereo_input_without_a_room_gets_one_that_nobody_knows() -> None:
    """And with a key for a person, a person for each channel."""
    registry = TwoSessions()
    await serve(registry, {"type": "start", "channels": 2, "person_key": "k" * 16})
    (room,) = {start.room for start in registry.starts}
    assert room is not None
    assert len(room) == 32
    keys = {start.person_key for start in registry.starts}
    assert len(keys) == 2
    assert "k" * 16 not in keys


async def test_resumed_channels_go_on_from_the_one_that_is_behind() -> None:
    """The other one does not get again what it has: neither audio nor silence."""
    registry = TwoSessions()
    for session, samples in zip(registry.two, (10, 4), strict=True):
        session.record = replace(session.record, samples=samples)
    visit = CountingVisit()
    frames = interleaved([1, 2], [3, 4]), {"type": "gap", "samples": 3}, interleaved([5, 6], [7, 8])
    socket = await serve(registry, AGAIN, *frames, visit=visit)
    assert heard(registry) == [[6], [3, 4, 7, 8]]
    assert [session.gaps for session in registry.two] == [0, 3]
    assert [(m["samples"], m["resumed"]) for m in socket.received if m["type"] == "ready"] == [(10, True), (4, True)]
    assert [(start.session_id, start.token, start.last_seq) for start in registry.starts] == [
        (ALICE, "a", 3),
        (BOB, "b", 3),
    ]
    assert [start.session_id for start in visit.decided] == [ALICE, BOB]


async def test_nothing_begins_if_one_of_the_two_cannot() -> None:
    """The client may start again; the session that had begun waits for it."""
    registry = TwoSessions(refused=errors.not_resumable())
    socket = await serve(registry, AGAIN, STEREO)
    types = [message.get("code", message["type"]) for message in socket.received]
    assert types[:3] == ["session_unknown", "ready", "ready"]
    assert registry.left == [True, True, False, False]


async def test_two_sessions_of_different_rooms_are_refused() -> None:
    """What one of them sees would never come."""
    registry = TwoSessions()
    registry.two[1].record = replace(registry.two[1].record, room="elsewhere")
    socket = await serve(registry, AGAIN)
    assert [message.get("code", message["type"]) for message in socket.received] == ["bad_channels", "stopped"]
    assert registry.left[:2] == [True, True]


async def test_the_end_of_one_session_ends_both() -> None:
    """Another connection has resumed it."""
    registry = TwoSessions()
    registry.two[1].error = SessionTakenOver()
    socket = await serve(registry, STEREO, bytes(8))
    assert (socket.received[-1]["code"], socket.closed) == ("taken_over", 4409)
    assert registry.left == [False, False]


async def test_a_refused_visit_begins_no_session() -> None:
    """One decision is for both."""
    registry = TwoSessions()
    refusal: AccessError = errors.no_grant()
    socket = await serve(registry, STEREO, visit=FakeVisit(refusal=refusal))
    assert ([message["code"] for message in socket.received], socket.closed) == (["no_grant"], 1008)
    assert registry.starts == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "start", "channels": 3}, "bad_channels"),
        ({"type": "start", "channels": 0}, "bad_channels"),
        ({"type": "start", "channels": "2"}, "bad_channels"),
        ({"type": "start", "channels": 2, "speakers": [{}]}, "bad_channels"),
        ({"type": "start", "channels": 2, "speakers": [1, 2]}, "bad_channels"),
        ({"type": "start", "channels": 2, "speakers": [{"name": "two\nlines"}, {}]}, "bad_name"),
        ({"type": "start", "channels": 2, "speakers": [{"age": 7}, {}]}, "bad_message"),
        ({"type": "start", "channels": 2, "name": "Ann"}, "bad_message"),
        ({"type": "start", "channels": 2, "session_id": ALICE, "token": "a"}, "bad_message"),
        ({"type": "start", "speakers": [{}, {}]}, "bad_message"),
        ({"type": "start", "channels": 2, "resume": [AGAIN["resume"][0]] * 2}, "bad_message"),
        ({"type": "configure", "channel": 2}, "bad_channels"),
    ],
)
async def test_invalid_channels_are_refused(message: dict[str, Any], code: str) -> None:
    """Each with the code that names it; nothing has begun."""
    registry = TwoSessions()
    socket = await serve(registry, message)
    assert [each.get("code", each["type"]) for each in socket.received] == [code, "stopped"]
    assert registry.starts == []


@pytest.mark.parametrize(("size", "code"), [(6, "odd_audio"), (5, "odd_audio"), (0, "empty_audio")])
async def test_audio_that_ends_between_the_channels_is_ignored(size: int, code: str) -> None:
    """The channels would change places for the rest of the call."""
    registry = TwoSessions()
    socket = await serve(registry, STEREO, bytes(size), interleaved([1], [2]))
    assert [each["code"] for each in socket.received if each["type"] == "error"] == [code]
    assert heard(registry) == [[1], [2]]


async def test_stereo_audio_in_another_format_ends_the_connection() -> None:
    """A header, or numbers of four bytes, lie over both channels."""
    sound = np.sin(np.arange(8_000) / 5).astype("<f4") * np.linspace(0.01, 0.5, 8_000, dtype="<f4")
    socket = await serve(TwoSessions(), STEREO, np.repeat(sound, 2).tobytes()[:64_000])
    assert (socket.received[-1]["code"], socket.closed) == ("unsupported_audio", 1003)


async def test_configure_acts_on_both_channels_or_on_one() -> None:
    """With one channel there is none to choose."""
    registry = TwoSessions()
    changes = {"type": "configure", "prompt": "Valkey"}, {"type": "configure", "name": "Bob", "channel": 1}
    socket = await serve(registry, STEREO, *changes)
    assert [(each.record.prompt, each.record.name) for each in registry.two] == [("Valkey", None), ("Valkey", "Bob")]
    configured = [message["channel"] for message in socket.received if message["type"] == "configured"]
    assert configured == [0, 1, 1]
    mono = await serve(TwoSessions(), {"type": "start"}, {"type": "configure", "name": "Bob", "channel": 0})
    assert [message["code"] for message in mono.received if message["type"] == "error"] == ["bad_channels"]


@pytest.mark.parametrize(("channel", "flushes"), [(None, [1, 1]), (0, [1, 0]), (1, [0, 1])])
async def test_flush_ends_the_utterances_of_one_channel_or_of_both(channel: int | None, flushes: list[int]) -> None:
    """As the protocol of ``/v1/listen`` has it."""
    registry, finalize = TwoSessions(), json.dumps({"type": "Finalize", "channel": channel})
    query = {"encoding": "linear16", "sample_rate": "16000", "channels": "2", "multichannel": "true"}
    serializer = ListenSerializer(query.items(), request_id="r", version="1.0")
    socket = FakeSocket(finalize, '{"type":"CloseStream"}')
    async with asyncio.timeout(10):
        connection = Connection(socket, serializer, registry, FakeLog(), Settings(), FakeVisit())
        await connection.serve(serializer.connect())
    assert [session.flushes for session in registry.two] == flushes
