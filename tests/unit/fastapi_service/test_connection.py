"""The life of one WebSocket, with hand-made surroundings."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from fastapi_service import errors
from fastapi_service.api import last_results as module
from fastapi_service.api.connection import Connection
from fastapi_service.api.native import NativeSerializer
from fastapi_service.sessions.ports import Feed
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from infra.ledger.admission import SessionDeleted
from tests.support.connections import RECORD, FakeLog, FakeRegistry, FakeSession, FakeSocket, FakeVisit
from tests.support.eventually import soon
from tests.support.speakers import ALICE, BOB, final, no_speech
from wire.close_codes import CloseCode
from wire.messages.client import Start
from wire.messages.statistics import Statistics

START, STOP = '{"type":"start"}', '{"type":"stop"}'


async def serve(registry: FakeRegistry, *frames: str | bytes | int, log: FakeLog | None = None) -> FakeSocket:
    """Run a connection whose client sends these frames."""
    socket = FakeSocket(*frames)
    settings = Settings(stop_timeout_s=0.3, max_session_s=60)
    async with asyncio.timeout(5):
        await Connection(socket, NativeSerializer(), registry, log or FakeLog(), settings, FakeVisit()).serve()
    return socket


async def received(registry: FakeRegistry, log: FakeLog | None = None) -> list[dict[str, Any]]:
    """Return the messages that a client gets who sends start and stop."""
    socket = await serve(registry, START, STOP, log=log)
    assert socket.closed == 1000
    assert registry.left == [False]
    return socket.received


async def stopped(registry: FakeRegistry, log: FakeLog | None = None) -> dict[str, Any]:
    """Return the last of them."""
    return (await received(registry, log))[-1]


async def test_stop_is_answered_after_the_last_result() -> None:
    """Nothing is missing: the service says so."""
    assert await stopped(FakeRegistry()) == {"type": "stopped", "segments": 3, "pending": 0}


async def test_stopped_comes_after_the_final_statistics() -> None:
    """Also when the channel has lost them: they are read once more."""
    *_, statistics, last = await received(FakeRegistry())
    assert (statistics["type"], statistics["version"]) == ("stats", 9)
    assert last["type"] == "stopped"


async def test_statistics_that_wait_for_others_come_before_stopped() -> None:
    """A client gets two a second; the last ones do not wait, whether the channel or the last look brought them."""

    @dataclass
    class Busy(FakeRegistry):
        async def join(self, record: SessionRecord, feed: Feed, last_seq: int) -> None:
            await super().join(record, feed, last_seq)
            for version in (1, 2, 3):
                feed.on_statistics(Statistics(scope="session", session_id=ALICE, version=version, trend_window=20))
                feed.on_statistics(Statistics(scope="room", room="kitchen", version=version, trend_window=20))

    *others, last = await received(Busy())
    statistics = [(each["scope"], each["version"]) for each in others if each["type"] == "stats"]
    assert statistics == [("session", 1), ("room", 1), ("session", 9), ("room", 3)]
    assert last["type"] == "stopped"


async def test_stop_does_not_wait_for_ever_for_results() -> None:
    """The client learns how many did not come in time."""
    assert await stopped(FakeRegistry(missing=2)) == {"type": "stopped", "segments": 3, "pending": 2}


@pytest.mark.parametrize("waiting", [0, 2])
async def test_stop_does_not_wait_for_ever_for_the_ledger(waiting: int) -> None:
    """With Redis away the flush takes no longer than the time-out; what is not written down is missing."""
    assert await stopped(FakeRegistry(FakeSession(waiting=waiting, frozen=True))) == {
        "type": "stopped",
        "segments": 3,
        "pending": max(1, waiting),
    }


async def test_stop_does_not_wait_for_ever_for_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that are there and cannot be read are missing, too."""
    monkeypatch.setattr(module, "READ_S", 0.05)
    log = FakeLog()
    log.answers.clear()
    assert (await stopped(FakeRegistry(), log))["pending"] == 1


async def test_audio_without_start_begins_a_session_with_the_defaults() -> None:
    """The simplest client sends audio only. Its session counts as talking once, however many frames it sends."""
    registry = FakeRegistry()
    socket = await serve(registry, bytes(640), bytes(320), STOP)
    assert registry.session.heard == bytes(960)
    assert registry.starts[0].model_fields_set == set()
    assert registry.talking == 1
    assert [message["type"] for message in socket.received] == ["ready", "stats", "stopped"]


async def test_audio_in_another_format_ends_the_connection() -> None:
    """The first messages say what it is; the error says what to send, at the rate of this session."""
    floats = np.sin(np.arange(16_000) / 7).astype("<f4").tobytes()
    messages = [floats[at : at + 6_400] for at in range(0, len(floats), 6_400)]
    for start, rate in (('{"type":"start","sample_rate":48000}', 48_000), (START, 16_000)):
        registry = FakeRegistry(FakeSession(replace(RECORD, sample_rate=rate)))
        socket = await serve(registry, start, *messages, STOP)
        error = socket.received[-1]
        assert (error["type"], error["code"], error["fatal"]) == ("error", "unsupported_audio", True)
        assert "32-bit floating-point" in error["message"]
        assert f"16-bit little-endian PCM, mono, {rate} Hz" in error["remedy"]
        assert socket.closed == CloseCode.UNSUPPORTED_DATA
        assert (registry.left, registry.session.heard) == ([False], b"")


async def test_invalid_messages_are_refused_until_there_are_too_many() -> None:
    """Each gets an error; the last one is fatal and closes with 1008."""
    socket = await serve(FakeRegistry(), *["nonsense"] * 30)
    assert [message["code"] for message in socket.received] == ["bad_json"] * 19 + ["too_many_errors"]
    assert [message["fatal"] for message in socket.received] == [False] * 19 + [True]
    assert socket.closed == 1008


class PingingSocket(FakeSocket):
    """A client that sends pings without a pause."""

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "websocket.receive", "text": '{"type":"ping"}'}


@pytest.mark.parametrize(
    "socket_of", [FakeSocket, lambda: FakeSocket("nonsense", '{"type":"gap","samples":5}'), PingingSocket]
)
async def test_a_client_that_starts_no_session_is_disconnected(socket_of: Callable[[], FakeSocket]) -> None:
    """Silent, refused or busy with something else. It may connect again."""
    registry, socket = FakeRegistry(), socket_of()
    settings = Settings(start_timeout_s=0.1)
    async with asyncio.timeout(5):
        await Connection(socket, NativeSerializer(), registry, FakeLog(), settings, FakeVisit()).serve()
    error = socket.received[-1]
    assert (error["type"], error["code"], error["fatal"]) == ("error", "start_timeout", True)
    assert (socket.closed, len(registry.left)) == (CloseCode.TRY_LATER, 1)


async def test_a_session_may_be_silent_for_longer() -> None:
    """Someone who follows a room sends nothing; also one whose protocol starts the session in the handshake."""
    for frames, opening in (([START], ()), ([], (Start(),))):
        socket = FakeSocket(*frames)
        settings = Settings(start_timeout_s=0.05)
        connection = Connection(socket, NativeSerializer(), FakeRegistry(), FakeLog(), settings, FakeVisit())
        serving = asyncio.create_task(connection.serve(opening))
        await asyncio.sleep(0.2)
        assert not serving.done()
        connection.displace()
        await serving


async def test_ready_carries_the_settings_of_the_endpointer() -> None:
    """A client that leaves out silence then judges it as the gateway does."""
    socket = FakeSocket(START, STOP)
    settings = Settings(silence_ceiling=0.0002, noise_factor=4.0, silence_ms=700, unfinished_ms=600, pre_roll_ms=200)
    await Connection(socket, NativeSerializer(), FakeRegistry(), FakeLog(), settings, FakeVisit()).serve()
    assert socket.received[0]["endpointing"] == {
        "pre_roll_ms": 200,
        "silence_ms": 700,
        "min_speech_ms": 90,
        "max_utterance_ms": 20_000,
        "silence_ceiling": 0.0002,
        "noise_factor": 4.0,
    }


@pytest.mark.parametrize(
    ("code", "waits"), [(1000, False), (1001, False), (1012, False), (1006, True), (1011, True), (4000, True)]
)
async def test_close_code_of_the_client_decides_whether_its_session_waits_for_it(code: int, waits: bool) -> None:
    """A client that leaves has its open utterance flushed at once; after a broken line it may resume."""
    registry = FakeRegistry()
    await serve(registry, START, code)
    assert registry.left == [waits]


@pytest.mark.parametrize(
    ("error", "code", "close_code"),
    [
        (SessionTakenOver(), "taken_over", 4409),
        (errors.redis_unavailable(), "redis_unreachable", 1013),
        (ZeroDivisionError(), None, 1011),
    ],
    ids=["taken over", "store", "bug"],
)
async def test_failure_of_a_session_closes_the_connection(error: Exception, code: str | None, close_code: int) -> None:
    """With a fatal error, if there is something to say; the internal reason of a bug stays in the log."""
    socket = await serve(FakeRegistry(FakeSession(error=error)), START, bytes(320))
    fatal = [message["code"] for message in socket.received if message.get("fatal")]
    assert fatal == ([] if code is None else [code])
    assert socket.closed == close_code


@pytest.mark.parametrize("noticed", ["by its audio", "by the registry"])
async def test_a_client_of_a_deleted_session_is_told_and_closed_for_good(noticed: str) -> None:
    """Another code would make it resume, and then begin another session with the audio that it still has."""
    error = SessionDeleted(ALICE) if noticed == "by its audio" else None
    socket = FakeSocket(START, *([bytes(320)] if error else []))
    connection = Connection(
        socket, NativeSerializer(), FakeRegistry(FakeSession(error=error)), FakeLog(), Settings(), FakeVisit()
    )
    serving = asyncio.create_task(connection.serve())
    if error is None:
        await soon(lambda: socket.received)
        connection.forget()
    await serving
    assert socket.received[-1] == {"type": "deleted", "session_id": ALICE}
    assert socket.closed == 1000


async def test_session_ends_at_its_longest_duration() -> None:
    """The results still come, then it closes normally."""
    socket = await serve(FakeRegistry(), START, '{"type":"gap","samples":976000}')
    ended = [message for message in socket.received if message["type"] in {"error", "stopped"}]
    assert [message.get("code", message["type"]) for message in ended] == ["session_too_long", "stopped"]
    assert socket.closed == 1000


async def test_languages_and_prompt_can_be_changed_during_the_session() -> None:
    """``ready`` says what applies at first, ``configured`` what applies then; a message that contradicts itself changes
    nothing."""
    registry = FakeRegistry(FakeSession(replace(RECORD, language="ko", languages=("ko",), prompt="Valkey")))
    frames = [
        '{"type":"configure","languages":["ko","en"]}',
        '{"type":"configure","language":"de","languages":["ko"]}',
        '{"type":"configure","language":"de","prompt":""}',
    ]
    socket = await serve(registry, '{"type":"configure","language":"de"}', START, *frames, STOP)
    ready, *configured = [message for message in socket.received if message["type"] in {"ready", "configured"}]
    applied = [(message["language"], message["languages"], message["prompt"]) for message in (ready, *configured)]
    assert applied == [("ko", ["ko"], "Valkey"), (None, ["ko", "en"], "Valkey"), ("de", ["de"], "")]
    assert [m["code"] for m in socket.received if m["type"] == "error"] == ["not_started", "bad_message"]


async def test_a_new_name_is_shown_to_the_room() -> None:
    """Nothing is when the change is of something else. ``ready`` and ``configured`` say what the name is."""
    registry = FakeRegistry(FakeSession(replace(RECORD, person="0" * 16, role="agent")))
    frames = ('{"type":"configure","prompt":"Valkey"}', '{"type":"configure","name":" Bob "}')
    socket = await serve(registry, START, *frames, STOP)
    assert [speaker and speaker.name for speaker in registry.introduced] == ["Bob"]
    said = [message for message in socket.received if message["type"] in {"ready", "configured"}]
    assert [(message.get("name"), message["role"]) for message in said] == [(None, "agent")] * 2 + [("Bob", "agent")]
    assert said[0]["person"] == "0" * 16


async def test_messages_out_of_order_are_refused_and_the_session_goes_on() -> None:
    """A gap before the start, and a second start."""
    socket = await serve(FakeRegistry(), '{"type":"gap","samples":1}', START, START, '{"type":"ping","id":"7"}', STOP)
    refused = [message["code"] for message in socket.received if message["type"] == "error"]
    assert refused == ["not_started", "already_started"]
    assert {"type": "pong", "id": "7"} in socket.received
    assert socket.received[-1]["type"] == "stopped"


async def test_a_session_continues_its_own_texts_only() -> None:
    """In a room there are those of others too, and utterances without a text."""
    registry, log = FakeRegistry(), FakeLog()
    own = final(0, RECORD.session_id)
    log.results = [(1, own), (2, final(1, BOB)), (3, no_speech(2, RECORD.session_id))]
    await received(registry, log)
    assert registry.session.noted == [own]
