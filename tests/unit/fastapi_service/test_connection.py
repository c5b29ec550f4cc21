"""The life of one WebSocket, with hand-made surroundings."""

import asyncio
from typing import Any

import pytest

from fastapi_service.api import connection as module
from fastapi_service.api.connection import Connection
from fastapi_service.api.native import NativeSerializer
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, FakeSession, FakeSocket

START, STOP = '{"type":"start"}', '{"type":"stop"}'


async def serve(registry: FakeRegistry, *frames: str | bytes, log: FakeLog | None = None) -> FakeSocket:
    """Run a connection whose client sends these frames."""
    socket = FakeSocket(*frames)
    settings = Settings(stop_timeout_s=0.3, max_session_s=60)
    async with asyncio.timeout(5):
        await Connection(socket, NativeSerializer(), registry, log or FakeLog(), settings).serve()
    assert registry.left == [False]
    return socket


async def received(registry: FakeRegistry, log: FakeLog | None = None) -> list[dict[str, Any]]:
    """Return the messages that a client gets who sends start and stop."""
    socket = await serve(registry, START, STOP, log=log)
    assert socket.closed == 1000
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
    monkeypatch.setattr(module, "READ_LAST_S", 0.05)
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


async def test_invalid_messages_are_refused_until_there_are_too_many() -> None:
    """Each gets an error; the last one is fatal and closes with 1008."""
    socket = await serve(FakeRegistry(), *["nonsense"] * 30)
    assert [message["code"] for message in socket.received] == ["bad_json"] * 19 + ["too_many_errors"]
    assert [message["fatal"] for message in socket.received] == [False] * 19 + [True]
    assert socket.closed == 1008


async def test_ready_carries_the_settings_of_the_endpointer() -> None:
    """A client that leaves out silence then judges it as the gateway does."""
    socket = FakeSocket(START, STOP)
    settings = Settings(silence_ceiling=0.0002, noise_factor=4.0, silence_ms=700, pre_roll_ms=200)
    await Connection(socket, NativeSerializer(), FakeRegistry(), FakeLog(), settings).serve()
    assert socket.received[0]["endpointing"] == {
        "pre_roll_ms": 200,
        "silence_ms": 700,
        "min_speech_ms": 90,
        "max_utterance_ms": 20_000,
        "silence_ceiling": 0.0002,
        "noise_factor": 4.0,
    }
